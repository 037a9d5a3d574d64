# frozen_string_literal: true

# Loads an installed gem as a program that depends on it would: activates it with its dependencies and requires the file
# Bundler would. Exit code 3: a dependency is not installed.

name, version = ARGV
spec = Gem::Specification.find_by_name(name, version)
begin
  gem name, version
rescue Gem::MissingSpecError => e
  puts "#{spec.full_name} is installed, but not loaded: #{e.message.lines.first.strip}"
  exit 3
end

directories = spec.require_paths.map { |path| File.join(spec.full_gem_path, path) }
usual = [name, name.tr("-", "/"), name.tr("-", "_")].uniq
others = directories.flat_map { |directory| Dir["*.rb", base: directory].sort.map { |file| file.delete_suffix(".rb") } }
feature = (usual + others).find { |one| directories.any? { |directory| File.file?(File.join(directory, "#{one}.rb")) } }

if feature
  puts "require #{feature.inspect}"
  before = $LOADED_FEATURES.size
  require feature
  puts "loaded #{$LOADED_FEATURES.size - before} files of #{spec.full_name} from #{File.basename(spec.gem_dir)}"
else
  puts "#{spec.full_name} is active; it has no file to require"
end
