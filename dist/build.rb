# frozen_string_literal: true

# Runs `gem build` for each gemspec named after the first argument, each followed by the file to write: one after the
# other and each in a process of its own, as separate commands would, but Ruby and RubyGems start only once. Stops at
# the first that fails, and writes its number to the file named by the first argument.

require "rubygems"
require "rubygems/exceptions"
require "rubygems/gem_runner"

# What every build loads, as far as this version of RubyGems has it: nine tenths of the time of a small gem.
%w[command_manager commands/build_command config_file package specification_policy util/licenses ext
   vendor/uri/lib/uri].each do |name|
  require "rubygems/#{name}"
rescue LoadError
  next
end
require "uri" unless defined?(Gem::URI)
Gem.load_yaml

# What the program `gem` does. Without fork (Windows, JRuby) it is started itself.
def gem_command(*arguments)
  return system("gem", *arguments) ? 0 : 1 unless Process.respond_to?(:fork)

  pid = fork do
    $PROGRAM_NAME = "gem"
    Gem::GemRunner.new.run(arguments)
  rescue Gem::SystemExitException => e
    exit(e.exit_code)
  end
  status = Process.wait2(pid).last
  status.exitstatus || 128 + status.termsig
end

answer = ARGV.shift
ARGV.each_slice(2).with_index do |(gemspec, target), index|
  code = gem_command("build", gemspec, "--output", target)
  next if code.zero?

  File.write(answer, index.to_s)
  exit(code)
end
