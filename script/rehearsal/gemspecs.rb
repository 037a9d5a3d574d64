# frozen_string_literal: true

# Prints the gemspecs of the current directory as JSON to the file named by the first argument; one that cannot be
# loaded is left out, for the action to say why.

require "json"
require "rubygems"

specs = Dir["*.gemspec"].sort.filter_map { |file| Gem::Specification.load(file) }
found = specs.map do |spec|
  { "name" => spec.name, "version" => spec.version.to_s, "dependencies" => spec.runtime_dependencies.map(&:name) }
end
File.write(ARGV.fetch(0), JSON.generate(found))
