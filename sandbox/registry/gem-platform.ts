const SYSTEMS: { pattern: RegExp; os: string }[] = [
  { pattern: /aix-?(\d+)?/, os: 'aix' },
  { pattern: /cygwin/, os: 'cygwin' },
  { pattern: /darwin-?(\d+)?/, os: 'darwin' },
  { pattern: /^macruby-?(\d+(?:\.\d+)*)?/, os: 'macruby' },
  { pattern: /freebsd-?(\d+)?/, os: 'freebsd' },
  { pattern: /^(?:java|jruby)$/, os: 'java' },
  { pattern: /^java-?(\d+(?:\.\d+)*)?/, os: 'java' },
  { pattern: /^dalvik-?(\d+)?$/, os: 'dalvik' },
  { pattern: /^dotnet-?(\d+(?:\.\d+)*)?/, os: 'dotnet' },
  { pattern: /linux-?(\w+)?/, os: 'linux' },
  { pattern: /mingw32/, os: 'mingw32' },
  { pattern: /mingw-?(\w+)?/, os: 'mingw' },
  { pattern: /mswin32(?:[_-](\d+))?/, os: 'mswin32' },
  { pattern: /mswin64(?:[_-](\d+))?/, os: 'mswin64' },
  { pattern: /netbsdelf/, os: 'netbsdelf' },
  { pattern: /openbsd-?(\d+\.\d+)?/, os: 'openbsd' },
  { pattern: /solaris-?(\d+\.\d+)?/, os: 'solaris' },
  { pattern: /wasi/, os: 'wasi' },
]

const LEGACY: Record<string, string> = { 'i586-linux': 'x86-linux', 'powerpc-darwin': 'ppc-darwin' }

/** `Gem::Platform.new(text).to_s` as RubyGems 4 computes it, the server's version (RubyGems lib/rubygems/platform.rb). */
export function resolvePlatform(given: string | null): string {
  if (given === null || given === '' || given === 'ruby') return 'ruby'
  const text = (LEGACY[given] ?? given).replace(/-+$/, '')
  const dash = text.indexOf('-')
  const before = dash === -1 ? null : text.slice(0, dash)
  const rest = text.slice(dash + 1)
  const found = SYSTEMS.find(({ pattern }) => pattern.test(rest))
  const os = found?.os ?? 'unknown'
  const version = found?.pattern.exec(rest)?.[1] ?? null
  const cpu = before !== null && /i\d86/.test(before) ? 'x86' : before
  if (cpu === null && os !== 'mswin32') return `${os}${version ?? ''}`
  return [cpu ?? 'x86', os, version].filter((part) => part !== null).join('-')
}
