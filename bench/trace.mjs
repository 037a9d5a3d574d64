/**
 * Preloaded into the action (`node --import`) in runs that are looked at rather than timed: writes to the file named by
 * BENCH_TRACE which modules were loaded, and when which child process ran. JavaScript, so that nothing has to be
 * translated in the process that is measured.
 */
import { subscribe } from 'node:diagnostics_channel'
import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import process from 'node:process'

const now = () => performance.timeOrigin + performance.now()
const children = []
const modules = []

subscribe('child_process', ({ process: child }) => {
  const record = { argv: [], from: now(), to: 0 }
  children.push(record)
  child.once('spawn', () => {
    record.argv = child.spawnargs
  })
  child.once('exit', () => {
    record.to = now()
  })
})

registerHooks({
  load(url, context, next) {
    modules.push({ url, at: now() })
    return next(url, context)
  },
})

process.on('exit', () => {
  const trace = { children, modules, from: performance.timeOrigin, to: now() }
  writeFileSync(process.env.BENCH_TRACE, JSON.stringify(trace))
})
