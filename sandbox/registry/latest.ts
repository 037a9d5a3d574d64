import type { VersionRow } from './world.ts'

/** `latest` is kept per platform: the newest release of each. */
export function isLatest(version: VersionRow, releases: VersionRow[]): boolean {
  return releases.find(({ platform }) => platform === version.platform)?.id === version.id
}
