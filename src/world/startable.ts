export interface Startable {
  program: string
  args: readonly string[]
}

/**
 * How a program is started on this system. What Ruby installs are batch files on Windows, which Node.js starts only
 * through a shell; Ruby itself finds the script that lies beside each.
 */
export function startable({ program, args }: Startable, platform: NodeJS.Platform = process.platform): Startable {
  const script = platform === 'win32' && ['bundle', 'gem', 'rake'].includes(program)
  return script ? { program: 'ruby', args: ['-S', program, ...args] } : { program, args }
}
