# frozen_string_literal: true

# Reads the project with its own Ruby and writes what it finds as JSON to the file named by the first argument.
# A file, not standard output: gemspecs and Rakefiles may print. The gemspecs' and Rakefile's code runs here, so
# this process has no credential in its environment.

require "rubygems"

class Probe
  RELEASE_CHAIN = %w[build release:guard_clean release:source_control_push release:rubygem_push].freeze

  def initialize(directory)
    @directory = directory
  end

  def to_h
    bundler = set_up_bundler
    {
      "ruby" => { "engine" => RUBY_ENGINE, "version" => RUBY_VERSION, "rubygems" => Gem::VERSION },
      "bundler" => bundler,
      "gemspecs" => gemspecs,
      "rake" => rake(bundler),
    }
  end

  private

  def set_up_bundler
    return { "state" => "none" } unless gemfile?

    require "bundler/setup"
    { "state" => "ready", "version" => Bundler::VERSION }
  rescue LoadError, StandardError, SystemExit => e
    { "state" => "failed", "message" => message(e) }
  end

  def gemfile?
    return true if ENV["BUNDLE_GEMFILE"]

    directory = @directory
    loop do
      return true if %w[Gemfile gems.rb].any? { |name| File.file?(File.join(directory, name)) }

      parent = File.dirname(directory)
      return false if parent == directory || File.exist?(File.join(directory, ".git"))

      directory = parent
    end
  end

  def gemspecs
    Dir.glob("{,*}.gemspec", base: @directory).sort.map { |file| gemspec(file) }
  end

  def gemspec(file)
    spec = load_gemspec(file)
    {
      "file" => file,
      "name" => spec.name.to_s,
      "version" => spec.version.to_s,
      "platform" => spec.platform.to_s,
      "metadata" => spec.metadata.to_h { |key, value| [key.to_s, value.to_s] },
      "dependencies" => spec.runtime_dependencies.map { |dep| { "name" => dep.name, "requirement" => dep.requirement.to_s } },
    }
  rescue ScriptError, StandardError, SystemExit => e
    { "file" => file, "error" => message(e) }
  end

  # Evaluated here rather than by Gem::Specification.load, which turns an exception into a warning and nil.
  def load_gemspec(file)
    path = File.expand_path(file)
    spec = eval(File.read(path, encoding: "UTF-8"), TOPLEVEL_BINDING.dup, path, 1)
    raise "#{file} does not evaluate to a Gem::Specification but to #{spec.class}" unless spec.is_a?(Gem::Specification)

    spec.loaded_from = path
    spec
  end

  def rake(bundler)
    return { "state" => "none" } if rakefile.nil?
    return { "state" => "failed", "message" => "the Gemfile cannot be used" } if bundler["state"] == "failed"

    require "rake"
    # The raw form raises; `load_rakefile` would print and exit.
    Rake.application.raw_load_rakefile
    tasks
  rescue LoadError => e
    return { "state" => "none" } if e.path == "rake"

    { "state" => "failed", "message" => message(e) }
  rescue ScriptError, StandardError, SystemExit => e
    { "state" => "failed", "message" => message(e) }
  end

  # Only a Rakefile beside the gemspec speaks for it; Rake itself would also take one from a parent directory.
  def rakefile
    %w[rakefile Rakefile rakefile.rb Rakefile.rb].find { |name| File.file?(File.join(@directory, name)) }
  end

  def tasks
    helper = defined?(Bundler::GemHelper) ? Bundler::GemHelper.instance : nil
    {
      "state" => "loaded",
      "build" => owner("build") { own?("build", []) },
      "release" => owner("release") { release_is_bundlers? },
      "gem" => helper && helper.gemspec.name,
      "tag" => helper && helper.send(:version_tag),
    }
  end

  def owner(name)
    return "absent" unless Rake::Task.task_defined?(name)

    yield ? "bundler" : "project"
  end

  def release_is_bundlers?
    own?("release", RELEASE_CHAIN) &&
      own?("release:guard_clean", []) &&
      own?("release:source_control_push", []) &&
      own?("release:rubygem_push", ["build"]) &&
      %i[guard_clean git_push tag_version rubygem_push version_tag already_tagged?].all? { |name| original_method?(name) }
  end

  # Bundler's own task: defined by bundler/gem_helper.rb alone, once, with the prerequisites it gives.
  def own?(name, prerequisites)
    return false unless Rake::Task.task_defined?(name) && helper_path

    task = Rake::Task[name]
    task.prerequisites.map(&:to_s) == prerequisites &&
      task.actions.size == 1 &&
      task.actions.all? { |action| File.expand_path(action.source_location.first) == helper_path }
  end

  def original_method?(name)
    File.expand_path(Bundler::GemHelper.instance_method(name).source_location.first) == helper_path
  rescue NameError
    false
  end

  def helper_path
    @helper_path ||= $LOADED_FEATURES.find { |path| path.end_with?("/bundler/gem_helper.rb") }
  end

  def message(error)
    text = "#{error.class}: #{error.message}"
    line = error.backtrace&.find { |frame| frame.start_with?(@directory) }
    line ? "#{text} (#{line.delete_prefix("#{@directory}/")})" : text
  end
end

project = Probe.new(Dir.pwd).to_h
# Only now: a gem that is loaded before Bundler is set up is a gem that Bundler cannot choose the version of.
require "json"
File.write(ARGV.fetch(0), JSON.generate(project))
