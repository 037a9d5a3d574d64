export const GEM_TASKS = 'require "bundler/gem_tasks"\n'

/**
 * What rake-compiler does of an ordinary Rakefile, without compiling: the task `gem` packs the source gem, and after
 * `native:PLATFORM` that of the platform as well.
 */
export const NATIVE_TASKS = [
  GEM_TASKS,
  'require "rubygems/package_task"',
  'spec = Gem::Specification.load("rack-lens.gemspec")',
  'Gem::PackageTask.new(spec) {}',
  '%w[x86_64-linux-gnu arm64-darwin].each do |platform|',
  '  task("native:#{platform}") do',
  '    native = spec.dup',
  '    native.instance_variable_set(:@cache_file, nil)',
  '    native.platform = platform',
  '    Gem::PackageTask.new(native) {}',
  '  end',
  'end',
  '',
].join('\n')
