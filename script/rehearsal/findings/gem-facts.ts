import type { Gemspecs } from '../gemspecs.ts'
import type { Published } from '../published.ts'

/** What the findings about the gems are made of. */
export interface GemFacts {
  gemspecs: Gemspecs
  /** Files a checkout of HEAD has, relative to the directory of the gemspecs. */
  committed: ReadonlySet<string>
  /** Files the project has on this machine only, with what git says about them. */
  local: ReadonlyMap<string, 'ignored' | 'untracked'>
  /** Origin of the gem server of the real release. */
  server: string
  published: Published
  /** Files the built gem holds, by name of the gem; only of those that were built and installed. */
  packed: ReadonlyMap<string, ReadonlySet<string>>
  /** SHA-256 of what the rehearsal built, by `NAME VERSION PLATFORM`; empty where it built nothing. */
  built: ReadonlyMap<string, string>
}
