import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { STATE } from '../state.ts'
import { systemClock } from './clock.ts'
import { files } from './files.ts'
import { createHttp } from './http.ts'
import { watchDirectory } from './private-directory.ts'
import { watchSignals } from './process.ts'
import { createProcesses, type Processes } from './processes.ts'
import type { Runner } from './runner.ts'
import type { World } from './world.ts'

/** `dist/`, seen from `dist/ENTRY/index.js`: the entry that was started tells where the other files are. */
const DIST = path.resolve(path.dirname(process.argv[1] ?? ''), '..')

/** The real world of a step, with a private directory that its post step removes. */
export async function openWorld(temp: string, runner: Runner): Promise<World & AsyncDisposable> {
  const { stop: cancelled, abandon } = watchSignals()
  const over = new AbortController()
  const stop = AbortSignal.any([cancelled, over.signal])
  const privateDirectory = await files.privateDirectory(temp)
  const expectOurs = await watchDirectory(privateDirectory)
  const mark = randomUUID()
  runner.saveState(STATE.privateDirectory, privateDirectory)
  runner.saveState(STATE.children, mark)
  const log = (line: string): void => {
    runner.info(line)
  }
  const http = createHttp({ clock: systemClock, signal: stop, lastSignal: abandon, log, env: runner.env })
  return {
    runner,
    clock: systemClock,
    http,
    processes: afterEach(createProcesses({ clock: systemClock, signal: stop, lastSignal: abandon, mark }), expectOurs),
    signal: stop,
    privateDirectory,
    assets: {
      probe: path.join(DIST, 'probe.rb'),
      gemCommand: path.join(DIST, 'gem-command', 'index.js'),
    },
    async [Symbol.asyncDispose]() {
      // After a failure, what was asked at the same time may still be waiting for its next attempt.
      over.abort(new Error('the run is over'))
      await http.close()
      // What the post step still needs (the journal) stays for it; the directory also says that it has not run yet.
    },
  }
}

function afterEach(processes: Processes, check: () => Promise<void>): Processes {
  return {
    async run(command) {
      const finished = await processes.run(command)
      await check()
      return finished
    },
  }
}
