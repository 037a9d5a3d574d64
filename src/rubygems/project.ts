/** A gem project as its own Ruby sees it. */
export interface Project {
  ruby: { engine: string; version: string; rubygems: string }
  bundler: { state: 'none' } | { state: 'ready'; version: string } | { state: 'failed'; message: string }
  gemspecs: readonly Gemspec[]
  rake: Rake
}

export interface Gemspec {
  /** File name in the working directory. */
  file: string
  name: string
  version: string
  platform: string
  metadata: ReadonlyMap<string, string>
  /** Runtime dependencies. */
  dependencies: readonly { name: string; requirement: string }[]
}

/** Who defines a Rake task: nobody, `bundler/gem_tasks` unchanged, or the project (also where it adds to Bundler's). */
export type TaskOwner = 'absent' | 'bundler' | 'project'

export type Rake =
  | { state: 'none' }
  | { state: 'failed'; message: string }
  | {
      state: 'loaded'
      build: TaskOwner
      release: TaskOwner
      /** Name of the gem that Bundler's tasks are for, and the tag they would make. */
      gem: string | undefined
      tag: string | undefined
    }
