# frozen_string_literal: true

# Writes what the gemspecs of the current directory say as JSON to the file named by the first argument.

require "json"
require "rubygems"
require "rubygems/user_interaction"

# What RubyGems itself would refuse when it builds the gem; files are compared with the checkout elsewhere.
def invalid(spec)
  Gem::DefaultUserInteraction.use_ui(Gem::SilentUI.new) { spec.dup.validate(false) }
  nil
rescue Gem::InvalidSpecificationException => e
  e.message
end

def texts(values) = Array(values).flatten.compact.map(&:to_s)

def describe(file)
  path = File.expand_path(file)
  # Evaluated here rather than by Gem::Specification.load, which turns an exception into a warning.
  spec = eval(File.read(path, encoding: "UTF-8"), TOPLEVEL_BINDING.dup, path, 1)
  return { "file" => file, "error" => "it is no Gem::Specification" } unless spec.is_a?(Gem::Specification)

  spec.loaded_from = path
  {
    "file" => file,
    "name" => spec.name.to_s,
    "version" => spec.version.to_s,
    "platform" => spec.platform.to_s,
    "summary" => spec.summary.to_s,
    "description" => spec.description.to_s,
    "homepage" => spec.homepage.to_s,
    "authors" => texts(spec.authors),
    "licenses" => texts(spec.licenses),
    "files" => texts(spec.files),
    "require_paths" => texts(spec.require_paths),
    "extensions" => texts(spec.extensions),
    "metadata" => spec.metadata.to_h { |key, value| [key.to_s, value.to_s] },
    "dependencies" => spec.runtime_dependencies.map(&:name),
    "invalid" => invalid(spec),
  }
rescue ScriptError, StandardError, SystemExit => e
  { "file" => file, "error" => "#{e.class}: #{e.message}" }
end

File.write(ARGV.fetch(0), JSON.generate(Dir["*.gemspec"].sort.map { |file| describe(file) }))
