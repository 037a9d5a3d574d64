import { lstat } from 'node:fs/promises'
import { ReleaseError } from '../errors.ts'

/**
 * Remembers which directory is ours. The function it gives throws ReleaseError (`tampered-job`) where another one, or
 * none, is in its place, or others may look into it: what the steps keep there could no longer be relied on.
 */
export async function watchDirectory(directory: string): Promise<() => Promise<void>> {
  const { ino, dev, uid, mode } = await lstat(directory)
  return async () => {
    const now = await lstat(directory).catch(() => undefined)
    if (now?.ino === ino && now.dev === dev && now.uid === uid && now.mode === mode) return
    throw new ReleaseError({
      code: 'tampered-job',
      what: 'The private directory of this action below RUNNER_TEMP was removed, replaced or opened while code of the project ran.',
      why: 'The gems that were inspected are kept in it until they are sent.',
      fix: 'Look for what cleans up or writes below RUNNER_TEMP: gemspec, Rakefile, the build, or a gem they load.',
    })
  }
}
