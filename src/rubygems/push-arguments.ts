/** What `gem push` was asked to do, as far as an action that holds the key itself has to know. */
export interface PushArguments {
  files: readonly string[]
  /** Value of `--host`. */
  host: string | undefined
  /** Whether a key of the credentials file is named. */
  namesKey: boolean
  /** Options whose meaning would be lost: their names, without their values. */
  unknown: readonly string[]
}

/** Options with a value that say which credential to use: that is for the action to know. */
const CREDENTIALS = new Set(['-k', '--key', '--otp'])
/** Options of every `gem` command that change nothing about what is pushed. */
const HARMLESS = new Set(['-V', '--verbose', '--no-verbose', '-q', '--quiet', '--silent', '--backtrace', '--debug'])

/** Reads the arguments as RubyGems does (lib/rubygems/commands/push_command.rb): `--host URL` and `--host=URL` alike. */
export function readPushArguments(args: readonly string[]): PushArguments {
  const files: string[] = []
  const unknown: string[] = []
  let host: string | undefined
  let namesKey = false
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? ''
    const [name, attached] = splitOption(argument)
    if (!argument.startsWith('-')) files.push(argument)
    else if (HARMLESS.has(name)) continue
    else if (name !== '--host' && !CREDENTIALS.has(name)) unknown.push(name)
    else {
      const value = attached ?? args[(index += 1)]
      if (name === '--host') host = value ?? ''
      else namesKey ||= name !== '--otp'
    }
  }
  return { files, host, namesKey, unknown }
}

/** `--host=URL` as name and value, `-kNAME` as well; everything else is a name. */
function splitOption(argument: string): [string, string | undefined] {
  const long = /^(--[a-z-]+)=(.*)$/s.exec(argument)
  if (long) return [long[1] ?? '', long[2]]
  const short = /^(-[a-zA-Z])(.+)$/s.exec(argument)
  return short ? [short[1] ?? '', short[2]] : [argument, undefined]
}
