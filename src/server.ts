/** The gem server a release goes to. */
export interface GemServer {
  /** Origin without trailing slash, as RubyGems looks up credentials: `https://rubygems.org`. */
  origin: string
  /** Host with port where one is given: `rubygems.org`, `127.0.0.1:40123`. */
  host: string
  kind: 'rubygems.org' | 'loopback' | 'other'
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

export function isLoopback(url: URL): boolean {
  return LOOPBACK.test(url.hostname)
}

/** The server at `url`, whose scheme has been checked. A path is kept out: RubyGems' API lives at the root. */
export function gemServer(url: URL): GemServer {
  const kind = url.origin === 'https://rubygems.org' ? 'rubygems.org' : isLoopback(url) ? 'loopback' : 'other'
  return { origin: url.origin, host: url.host, kind }
}

/**
 * Whether a gem that allows pushes only to `allowed` may go to `server`. RubyGems compares scheme and host
 * (`gem push`, lib/rubygems/commands/push_command.rb); ports and a trailing slash count as part of the host here. A server
 * on loopback stands in for RubyGems.org: that is how the release of a public gem is rehearsed.
 */
export function allowsPushTo(allowed: string, server: GemServer): boolean {
  const url = URL.parse(allowed)
  if (url === null) return allowed === server.host
  return url.origin === server.origin || (server.kind === 'loopback' && gemServer(url).kind === 'rubygems.org')
}
