/**
 * Foreign text made fit for the runner's log. The runner acts on `::command::` at the start of a line, after
 * trimming, and on `##[command]` anywhere in one; it starts a new line at CR as well as LF, on stdout and stderr alike
 * (actions/runner src/Runner.Common/ActionCommand.cs). People are misled by ANSI and bidirectional controls.
 */

const MAX_LINE = 4096

/* oxlint-disable no-control-regex -- control characters are what this is about */
const ESCAPE_SEQUENCES =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[PX^_][^\u001b]*\u001b\\|[ -/]*[0-~])/g
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
/* oxlint-enable no-control-regex */
const BIDI_AND_INVISIBLE = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ufeff]/g

/**
 * Keys and tokens of RubyGems.org and GitHub, and JSON web tokens: no log is the place for them, whoever prints them. An
 * installation token of GitHub may be `ghs_`, a number and a JSON web token in one.
 */
const CREDENTIALS =
  /\b(rubygems_|gh[a-z]_|github_pat_)(?:\d+_eyJ[\w-]+(?:\.[\w-]+){2}|\w{16,})|(?<![\w-])(eyJ)[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+/g

/** One line of foreign text that neither the runner nor a reader can take for something else. Never holds CR or LF. */
export function safeLine(text: string): string {
  const plain = text
    .replace(ESCAPE_SEQUENCES, '')
    .replace(CONTROLS, '')
    .replace(BIDI_AND_INVISIBLE, '')
    .replace(/\n/g, ' ')
    .replace(CREDENTIALS, '$1$2…')
  const cut =
    plain.length > MAX_LINE
      ? `${plain.slice(0, MAX_LINE)} [… ${String(plain.length - MAX_LINE)} more characters]`
      : plain
  return cut.replaceAll('##[', '## [').replace(/^(\s*):(?=:)/, '$1: ')
}

/** Foreign text as safe lines. */
export function safeLines(text: string): string[] {
  return text.split(/\r\n|\r|\n/).map(safeLine)
}
