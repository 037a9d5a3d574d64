import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StepResult } from '../../sandbox/runner/step.ts'
import { type Job, Runner } from '../../sandbox/runner/runner.ts'

/** Scripts of a JavaScript action, as modules, and further lines for its `action.yml`. */
export interface ActionParts {
  main: string
  post?: string
  /** Lines below `inputs:`. */
  inputs?: string
  postIf?: string
}

/** A runner in a directory of its own, which goes away with it. */
export class World implements AsyncDisposable {
  readonly root: string
  readonly runner: Runner
  readonly job: Job
  private actions = 0

  private constructor(root: string, job: Job, runner: Runner) {
    this.root = root
    this.job = job
    this.runner = runner
  }

  static async create(changes: Partial<Job> = {}): Promise<World> {
    const root = await mkdtemp(join(tmpdir(), 'runner-'))
    const job: Job = {
      directory: root,
      token: `ghs_${randomBytes(18).toString('hex')}`,
      github: {
        repository: 'octo/gemstone',
        ref: 'refs/tags/v1.2.3',
        refType: 'tag',
        sha: 'a'.repeat(40),
        eventName: 'push',
        event: { pusher: { name: 'mona' } },
        serverUrl: 'https://github.example',
        apiUrl: 'https://api.github.example',
      },
      ...changes,
    }
    return new World(root, job, await Runner.create(job))
  }

  /** Writes an action into a directory below the root and returns that directory. */
  async action({ main, post, inputs, postIf }: ActionParts): Promise<string> {
    this.actions += 1
    const directory = join(this.root, `action-${String(this.actions)}`)
    await mkdir(directory)
    const runs = [
      'using: node24',
      'main: main.mjs',
      ...(post === undefined ? [] : ['post: post.mjs']),
      ...(postIf === undefined ? [] : [`post-if: ${postIf}`]),
    ]
    const manifest = ['name: fixture', ...(inputs === undefined ? [] : ['inputs:', inputs]), 'runs:']
    await writeFile(join(directory, 'action.yml'), [...manifest, ...runs.map((line) => `  ${line}`), ''].join('\n'))
    await writeFile(join(directory, 'main.mjs'), main)
    if (post !== undefined) await writeFile(join(directory, 'post.mjs'), post)
    return directory
  }

  /** Runs an action with this `main`. */
  async main(main: string): Promise<StepResult> {
    return await this.runner.uses(await this.action({ main }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runner[Symbol.asyncDispose]()
    await rm(this.root, { recursive: true, force: true })
  }
}

/** What the step itself printed, as shown, without what the runner added. */
export function shown(step: StepResult): string[] {
  return step.lines.filter((line) => line.source !== 'runner').map((line) => line.text)
}

/** A script that prints a value's JSON as its only line. */
export function printing(expression: string): string {
  return `console.log(JSON.stringify(${expression}))`
}

/** The value a `printing` script printed. */
export function printed(step: StepResult): unknown {
  return JSON.parse(step.rawStdout)
}
