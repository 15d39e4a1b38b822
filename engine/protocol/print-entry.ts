// Prints the code that is generated for a message, for a look at what a change to compile.ts does:
//   node engine/protocol/print-entry.ts Metadata response 12
import { allApis } from './messages/index.ts'
import { sourceOf } from './compile.ts'

const [name, direction, version] = process.argv.slice(2)
const api = allApis.find(candidate => candidate.name === name)
if (api === undefined || (direction !== 'request' && direction !== 'response')) {
  process.stderr.write('usage: print-entry.ts API request|response [VERSION]\n')
  process.exitCode = 2
} else {
  const { decode, encode } = sourceOf(api[direction], Number(version ?? api.versions[1]))
  process.stdout.write(`${decode}\n\n${encode}\n`)
}
