import type { SandboxResponse } from '../messages.ts'

export interface EdgeOptions {
  /** How long a 404 for `/info/NAME` is remembered. */
  negativeCacheMs: number
  /** After a change the first reader still gets the old text. */
  staleWhileRevalidate: boolean
}

interface Kept {
  answer: SandboxResponse
  at: number
}

/**
 * The CDN in front of the readable surfaces, as far as clients can notice it: pushes purge softly, so the first read
 * after a change may be the old text, and a missing gem stays missing for a while (rubygems.org
 * app/controllers/application_controller.rb cache_expiry_headers, lib/gem_cache_purger.rb). Lost when the process ends.
 */
export class EdgeCache {
  private readonly options: EdgeOptions
  private readonly clock: () => Date
  private readonly kept = new Map<string, Kept>()

  constructor(options: EdgeOptions, clock: () => Date) {
    this.options = options
    this.clock = clock
  }

  answer(path: string, fromOrigin: () => SandboxResponse): SandboxResponse {
    const at = this.clock().getTime()
    const kept = this.kept.get(path)
    if (kept?.answer.status === 404 && at - kept.at < this.options.negativeCacheMs) return kept.answer
    const answer = fromOrigin()
    const remembered = answer.status === 200 || (answer.status === 404 && path.startsWith('/info/'))
    if (remembered) this.kept.set(path, { answer, at })
    else this.kept.delete(path)
    const changed = kept?.answer.status === 200 && kept.answer.body !== answer.body
    return changed && this.options.staleWhileRevalidate ? kept.answer : answer
  }
}
