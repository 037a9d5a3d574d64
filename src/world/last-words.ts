import type { Finished } from './processes.ts'

/** A frame of a Ruby backtrace: `/path/file.rb:12:in 'method'`, with or without `from`. */
const FRAME = /^\s*(from )?\S.*:\d+:in ['`]/

/** The end of what a program said, for an error message: without backtraces, which would push the reason out of it. */
export function lastWords({ tail }: Pick<Finished, 'tail'>, lines = 8): string {
  const words = tail.filter((line) => !FRAME.test(line))
  return (words.length > 0 ? words : tail).slice(-lines).join('\n')
}
