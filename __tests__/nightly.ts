/** With `NIGHTLY=1` the tables are as large as they get; otherwise the suite has to fit ten minutes on two cores. */
const NIGHTLY = process.env['NIGHTLY'] === '1'

export function size<T>(usual: T, nightly: T): T {
  return NIGHTLY ? nightly : usual
}
