/**
 * The SHA-256 of one version in a compact index file (`/info/NAME`): lines of
 * `NUMBER[-PLATFORM] DEPENDENCIES|checksum:HEX,ruby:…,created_at:…`. Keys and values part at the first colon, since
 * times hold more of them; unknown keys are left alone (guides.rubygems.org, "Compact Index API").
 */
export function checksumOf(info: string, version: string, platform: string): string | undefined {
  const label = platform === 'ruby' ? version : `${version}-${platform}`
  const line = info.split('\n').find((candidate) => candidate.startsWith(`${label} `))
  const [, after = ''] = line?.split('|') ?? []
  const facts = after.split(',')
  return facts
    .map((fact) => /^checksum:([0-9a-f]{64})$/.exec(fact.trimEnd())?.[1])
    .find((digest) => digest !== undefined)
}
