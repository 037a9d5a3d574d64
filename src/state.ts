/** Names under which the main step leaves things for its post step. Their values hold no secret. */
export const STATE = {
  /** Path of our private directory. */
  privateDirectory: 'private-directory',
  /** The mark of everything the main step has started. */
  children: 'children',
  /** Receipt of the credentials file, as JSON. */
  credentials: 'credentials',
  /** `true` once the main step has reported its outcome itself. */
  reported: 'reported',
} as const

/** The journal's file name below the private directory. */
export const JOURNAL = 'journal.json'
