import { describe, expect, it } from 'vitest'
import { World } from './world.testing.ts'

describe('a log worker that does not answer', () => {
  it('is reported after 5 s, also while the chores of the log wait for log.initial.task.delay.ms', async () => {
    const world = new World(1)
    await world.boot()
    const said = () => world.trace.filter(line => line.includes('a log worker does not answer')).length
    // Timers run; the log, which has what it does run after them, does not.
    for (let n = 0; n < 10; n++) world.clock.advance(500)
    expect(said()).toBe(0)
    world.clock.advance(500)
    expect(said()).toBe(1)
    for (let n = 0; n < 10; n++) world.clock.advance(500)
    expect(said()).toBe(1)
    await world.run(world.broker!.close())
  })
})
