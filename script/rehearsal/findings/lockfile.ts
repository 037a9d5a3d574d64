import { type Finding, some } from './finding.ts'

interface LockfileFacts {
  /** Text of the committed Gemfile.lock. */
  lockfile: string | undefined
  gemspecs: readonly { name: string; version: string }[]
}

/** What a committed Gemfile.lock makes of `bundle install` on GitHub: the checkout has to stay the commit. */
export function lockfileFindings({ lockfile, gemspecs }: LockfileFacts): Finding[] {
  if (lockfile === undefined) return []
  return [...versionFindings(lockfile, gemspecs), ...platformFindings(lockfile)]
}

function versionFindings(lockfile: string, gemspecs: LockfileFacts['gemspecs']): Finding[] {
  const outdated = gemspecs.flatMap(({ name, version }) => {
    const locked = lockedVersion(lockfile, name)
    return locked === undefined || locked === version ? [] : [`${name} ${locked}, while the gemspec says ${version}`]
  })
  if (outdated.length === 0) return []
  return [
    {
      code: 'lockfile-outdated',
      weight: 'stops',
      what: `The committed Gemfile.lock has ${outdated.join('; ')}: \`bundle install\` changes it or refuses to, and the checkout is no longer the commit.`,
      fix: 'Run `bundle install` here and commit Gemfile.lock.',
    },
  ]
}

/** Bundler adds the platform it runs on where neither that one nor `ruby` is locked. */
function platformFindings(lockfile: string): Finding[] {
  const section = lockfile.split(/\r?\n(?=\S)/).find((one) => one.startsWith('PLATFORMS')) ?? ''
  const platforms = section
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (platforms.length === 0 || platforms.some((name) => name === 'ruby' || name.includes('linux'))) return []
  return [
    {
      code: 'lockfile-platform',
      weight: 'stops',
      what: `The committed Gemfile.lock is for ${some(platforms)} only: \`bundle install\` on GitHub’s Linux adds its platform, and the checkout is no longer the commit.`,
      fix: 'Run `bundle lock --add-platform x86_64-linux` here and commit Gemfile.lock.',
    },
  ]
}

/** Version of a gem of the project itself: those stand under `PATH`. */
function lockedVersion(lockfile: string, name: string): string | undefined {
  const sections = lockfile.split(/\r?\n(?=\S)/).filter((section) => section.startsWith('PATH'))
  for (const line of sections.join('\n').split(/\r?\n/)) {
    const [, gem, version] = /^ {4}(\S+) \(([^)]+)\)$/.exec(line) ?? []
    if (gem === name) return version
  }
  return undefined
}
