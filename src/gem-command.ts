import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { constants } from 'node:os'
import path from 'node:path'
import { isObject, parseJson, stringAt } from './json.ts'
import { startable } from './world/startable.ts'

/**
 * Stands in for `gem` inside a release task: as `$GEM_COMMAND`, which Bundler runs instead (bundler/gem_helper.rb, Bundler
 * 2.2 to 4.0), and as the first `gem` on PATH. `gem push` is handed to the action, which holds the key; everything else
 * is the real `gem`'s business.
 */

const SOCKET = 'RELEASE_GEM_SOCKET'
const BY_NAME = 'RELEASE_GEM_BY_NAME'
/** The directory of the `gem` on PATH that is us. */
const BIN = 'RELEASE_GEM_BIN'
const HELP = new Set(['-h', '--help'])

const [verb, ...args] = process.argv.slice(2)
const address = process.env[SOCKET]
process.exitCode = 1
if (verb === 'push' && address !== undefined && !args.some((argument) => HELP.has(argument))) handOver(address)
else runGem()

function handOver(socketAddress: string): void {
  let answer = ''
  const socket = connect(socketAddress)
  socket.setEncoding('utf8')
  socket.on('error', () => {
    // `close` follows, and says what there is to say.
  })
  socket.on('data', (chunk: string) => {
    answer += chunk
  })
  socket.on('close', () => {
    const reply = parseJson(answer)
    const message = stringAt(reply, 'message')
    const exitCode = isObject(reply) ? reply['exitCode'] : undefined
    if (message === undefined) process.stderr.write('release-gem: the action that started this task is gone.\n')
    else process.stdout.write(`${message}\n`)
    if (exitCode === 'by-gem') runGem()
    else process.exitCode = exitCode === 0 ? 0 : 1
  })
  const { [BY_NAME]: byName, RUBYGEMS_HOST: host, GEM_HOST_API_KEY: key } = process.env
  const request = { args, cwd: process.cwd(), host, ownKey: Boolean(key), byName: byName === '1' }
  socket.write(`${JSON.stringify(request)}\n`)
}

function runGem(): void {
  const gem = startable({ program: 'gem', args: verb === undefined ? [] : [verb, ...args] })
  const child = spawn(gem.program, gem.args, { env: withoutUs(process.env), stdio: 'inherit' })
  child.on('error', () => {
    process.stderr.write('release-gem: `gem` was not found on PATH.\n')
    process.exitCode = 127
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0)
  })
}

/** For the real `gem`: whatever looks for one on PATH below it must not find us again. */
function withoutUs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { [BY_NAME]: _, ...others } = env
  const directories = (env['PATH'] ?? '').split(path.delimiter).filter((directory) => directory !== env[BIN])
  return env[BIN] === undefined ? others : { ...others, PATH: directories.join(path.delimiter) }
}
