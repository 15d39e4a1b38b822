import { expect, it } from 'vitest'
import { Comers } from './comers.ts'

const place = (position: number, bytes = 10) => ({ offset: 0, position, bytes })

it('a reader who comes for what follows stands no longer where its last answer ended', () => {
  const comers = new Comers()
  comers.moves(place(0), 105)
  expect([comers.areBetween(0, 105), comers.areBetween(105, 106)]).toEqual([false, true])
  comers.moves(place(100), 205)
  expect([comers.areBetween(0, 205), comers.areBetween(205, 206)]).toEqual([false, true])
  // Batches end there.
  comers.moves(place(205), 300)
  expect([comers.areBetween(0, 300), comers.areBetween(300, 301)]).toEqual([false, true])
})

it('of two who had the same answer one stays when the other moves', () => {
  const comers = new Comers()
  for (let reader = 0; reader < 2; reader++) comers.moves(place(0), 100)
  comers.moves(place(100), 200)
  expect([comers.areBetween(100, 101), comers.areBetween(200, 201)]).toEqual([true, true])
  comers.moves(place(100), 200)
  expect([comers.areBetween(100, 101), comers.areBetween(200, 201)]).toEqual([false, true])
})

it('who never comes back is forgotten for those who do', () => {
  const comers = new Comers()
  for (let reader = 0; reader < 1000; reader++) comers.moves(place(reader * 100), reader * 100 + 50)
  expect([comers.areBetween(0, 50_000), comers.areBetween(99_950, 99_951)]).toEqual([false, true])
})
