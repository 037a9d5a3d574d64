import type { Store } from './store.ts'

interface Limit {
  name: string
  limit: number
  /** Seconds. */
  period: number
  by: 'address' | 'owner'
  /** Cleared by a successful push (rubygems.org lib/rack_attack_reset.rb). */
  forgiving: boolean
}

/** rubygems.org config/initializers/rack_attack.rb, in the order in which they are asked. */
const LIMITS: Limit[] = [
  { name: 'api/exp/push/ip/1', limit: 300, period: 300, by: 'address', forgiving: true },
  { name: 'api/exp/push/user/1', limit: 300, period: 300, by: 'owner', forgiving: true },
  { name: 'api/exp/push/ip/2', limit: 600, period: 90_000, by: 'address', forgiving: true },
  { name: 'api/exp/push/user/2', limit: 600, period: 90_000, by: 'owner', forgiving: true },
  { name: 'api/push/ip', limit: 400, period: 3600, by: 'address', forgiving: false },
]

/** Everything on loopback comes from one address. */
const ADDRESS = '127.0.0.1'

/** rack-attack's push throttles: fixed windows, counted before the key is even looked at. */
export class PushThrottle {
  private readonly store: Store

  constructor(store: Store) {
    this.store = store
  }

  /** Counts a push attempt; seconds until the window ends where it is one too many. */
  count(owner: string | undefined): number | undefined {
    const seconds = Math.floor(this.store.clock().getTime() / 1000)
    this.forget(seconds)
    const { counters } = this.store.state
    const exceeded = LIMITS.find((limit) => {
      const who = limit.by === 'address' ? ADDRESS : owner
      if (who === undefined) return false
      const key = `${limit.name}:${who}:${String(Math.floor(seconds / limit.period))}`
      counters[key] = (counters[key] ?? 0) + 1
      return counters[key] > limit.limit
    })
    this.store.save()
    return exceeded && exceeded.period - (seconds % exceeded.period)
  }

  reset(owner: string): void {
    const { counters } = this.store.state
    for (const { name } of LIMITS.filter(({ forgiving }) => forgiving)) {
      for (const who of [ADDRESS, owner]) {
        for (const key of Object.keys(counters)) if (key.startsWith(`${name}:${who}:`)) delete counters[key]
      }
    }
  }

  private forget(seconds: number): void {
    const { counters } = this.store.state
    for (const key of Object.keys(counters)) {
      const limit = LIMITS.find(({ name }) => key.startsWith(`${name}:`))
      const window = Number(key.slice(key.lastIndexOf(':') + 1))
      if (!limit || window < Math.floor(seconds / limit.period) - 1) delete counters[key]
    }
  }
}

interface Zone {
  path: RegExp
  perSecond: number
}

const ZONES: Zone[] = [
  { path: /^\/api/, perSecond: 30 },
  { path: /^\/versions/, perSecond: 100 / 60 },
]

const BURST = 10

/** nginx's leaky buckets (config/deploy/nginx-configmap.yaml.erb): 30 r/s on /api, 100 r/min on /versions. */
export class NginxLimits {
  private readonly clock: () => Date
  private readonly buckets = new Map<Zone, { excess: number; at: number }>()

  constructor(clock: () => Date) {
    this.clock = clock
  }

  allows(path: string): boolean {
    const zone = ZONES.find((candidate) => candidate.path.test(path))
    if (!zone) return true
    const at = this.clock().getTime()
    const bucket = this.buckets.get(zone)
    const excess = bucket ? Math.max(0, bucket.excess - (zone.perSecond * (at - bucket.at)) / 1000) + 1 : 0
    if (excess > BURST) return false
    this.buckets.set(zone, { excess, at })
    return true
  }
}
