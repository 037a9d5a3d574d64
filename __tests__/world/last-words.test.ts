import { describe, expect, it } from 'vitest'
import { lastWords } from '../../src/world/last-words.ts'

const REASON = [
  'ERROR:  While executing gem ... (Gem::InvalidSpecificationException)',
  '    ["lib/a.rb"] are not files',
]

describe('the last words of a program', () => {
  it.each([
    ['of Ruby 3.3', "\t/usr/lib/ruby/3.3.0/rubygems/specification.rb:12:in `validate'"],
    ['of Ruby 3.4', "\tfrom /usr/lib/ruby/3.4.0/rubygems/command.rb:3:in 'Gem::Command#invoke'"],
    ['of the project', "/home/runner/work/a b/Rakefile:5:in `block in <top (required)>'"],
  ])('leave out a backtrace %s, which would push the reason out', (_, frame) => {
    const tail = [...REASON, ...Array.from({ length: 20 }, () => frame), 'Tasks: TOP => release => build']
    expect(lastWords({ tail })).toBe([...REASON, 'Tasks: TOP => release => build'].join('\n'))
  })

  it('are the end of what was said, and a backtrace where there is nothing else', () => {
    expect(lastWords({ tail: ['1', '2', '3'] }, 2)).toBe('2\n3')
    expect(lastWords({ tail: ["a.rb:1:in `b'"] })).toBe("a.rb:1:in `b'")
    expect(lastWords({ tail: [] })).toBe('')
  })
})
