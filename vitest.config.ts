import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take minutes: begun last, they would run alone at the end. */
const LONG = /convergence\/(kill-set|kill-one|model)\.test\.ts$/

function isLong({ moduleId }: TestSpecification): boolean {
  return LONG.test(moduleId)
}

class LongOnesFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return Promise.resolve(files.toSorted((one, other) => Number(isLong(other)) - Number(isLong(one))))
  }
}

export default defineConfig({
  test: {
    include: ['__tests__/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Scenarios start Ruby and Node processes: more workers than cores only makes them wait for each other.
    maxWorkers: 3,
    // A worker that goes on to the next file has the sandbox loaded and compiled, which saves the files of `sandbox/` a
    // quarter of their time. A hook of a shared module would only be there for the first file.
    isolate: false,
    sequence: { sequencer: LongOnesFirst },
  },
})
