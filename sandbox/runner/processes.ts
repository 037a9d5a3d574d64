import { allPids, childrenOf, type ProcStat, readArgv, readEnviron, readStat } from './proc.ts'

/** A program seen running below a step. One process that runs `exec` appears once for each argv. */
export interface ProcessRecord {
  pid: number
  ppid: number
  argv: string[]
  /** As the program was started; nothing where it cannot be read. */
  environ: Record<string, string> | undefined
  /** Milliseconds since the epoch. */
  firstSeen: number
  lastSeen: number
}

const INTERVAL_MS = 10
const TICKS_PER_SCAN = 10

/**
 * Watches what a step starts, by sampling `/proc`: children of children at each tick, and now and then every process
 * of the machine, which also finds those that a thread has started or that left their parent (same session, or the job's
 * tracking id in their environment). Does nothing where there is no `/proc`.
 */
export class ProcessWatcher {
  readonly records: ProcessRecord[] = []
  private readonly entry: ProcStat | undefined
  private readonly trackingId: string
  private readonly known = new Map<string, ProcStat>()
  private readonly unrelated = new Set<string>()
  private readonly latest = new Map<string, ProcessRecord>()
  private timer: NodeJS.Timeout | undefined
  private ticks = 0

  constructor(entryPid: number, trackingId: string) {
    this.entry = process.platform === 'linux' ? readStat(entryPid) : undefined
    this.trackingId = trackingId
  }

  start(): void {
    if (this.entry) this.timer = setInterval(() => this.sample(), INTERVAL_MS)
  }

  stop(): void {
    clearInterval(this.timer)
    this.scan()
  }

  /** Descendants that are alive at this moment, the latest program of each. */
  survivors(): ProcessRecord[] {
    this.scan()
    return [...this.known].flatMap(([key, stat]) => {
      const record = this.latest.get(key)
      return record && isAlive(stat) ? [record] : []
    })
  }

  private sample(): void {
    this.ticks += 1
    if (this.ticks % TICKS_PER_SCAN === 0) this.scan()
    else this.descend()
  }

  private descend(): void {
    const { entry } = this
    if (!entry) return
    const waiting = [entry.pid]
    for (const [key, stat] of this.known) {
      if (isAlive(stat)) {
        waiting.push(stat.pid)
        this.record(key, stat)
      }
    }
    const visited = new Set(waiting)
    for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
      for (const child of childrenOf(pid)) {
        if (visited.has(child)) continue
        visited.add(child)
        waiting.push(child)
        const stat = readStat(child)
        if (stat) this.adopt(stat)
      }
    }
  }

  private scan(): void {
    const { entry } = this
    if (!entry) return
    this.descend()
    for (const pid of allPids()) {
      const stat = pid === entry.pid ? undefined : readStat(pid)
      if (!stat || this.known.has(keyOf(stat)) || this.unrelated.has(keyOf(stat))) continue
      if (this.isOurs(stat, entry)) this.adopt(stat)
      else this.unrelated.add(keyOf(stat))
    }
  }

  private isOurs(stat: ProcStat, entry: ProcStat): boolean {
    if (stat.startTime < entry.startTime) return false
    return stat.session === entry.pid || readEnviron(stat.pid)?.['RUNNER_TRACKING_ID'] === this.trackingId
  }

  private adopt(stat: ProcStat): void {
    const key = keyOf(stat)
    this.known.set(key, stat)
    this.record(key, stat)
  }

  private record(key: string, stat: ProcStat): void {
    const argv = readArgv(stat.pid)
    if (argv.length === 0) return
    const now = Date.now()
    const latest = this.latest.get(key)
    if (latest && latest.argv.join('\0') === argv.join('\0')) {
      latest.lastSeen = now
      // While a program is being started its environment still reads as empty.
      latest.environ ??= readEnviron(stat.pid)
      return
    }
    const environ = readEnviron(stat.pid)
    const record = { pid: stat.pid, ppid: stat.ppid, argv, environ, firstSeen: now, lastSeen: now }
    this.latest.set(key, record)
    this.records.push(record)
  }
}

/** Processes that carry a job's tracking id, for the clean-up at the end of the job. */
export function trackedProcesses(trackingId: string): ProcessRecord[] {
  if (process.platform !== 'linux') return []
  const now = Date.now()
  return allPids().flatMap((pid) => {
    const environ = pid === process.pid ? undefined : readEnviron(pid)
    const stat = environ?.['RUNNER_TRACKING_ID'] === trackingId ? readStat(pid) : undefined
    if (!stat || !isAlive(stat)) return []
    return [{ pid, ppid: stat.ppid, argv: readArgv(pid), environ, firstSeen: now, lastSeen: now }]
  })
}

function keyOf(stat: ProcStat): string {
  return `${String(stat.pid)} ${String(stat.startTime)}`
}

function isAlive(stat: ProcStat): boolean {
  const now = readStat(stat.pid)
  return now?.startTime === stat.startTime && now.state !== 'Z' && now.state !== 'X'
}
