# frozen_string_literal: true

# Writes one file of the legacy index, as rubygems.org app/jobs/indexer.rb and app/models/pusher.rb do:
#   ruby marshal.rb OUT index            rows of [name, number, platform] as JSON on standard input
#   ruby marshal.rb OUT gemspec GEM      the gemspec inside a gem
require 'json'
require 'rubygems'
require 'rubygems/package'
require 'zlib'

out, kind, gem = ARGV

contents =
  if kind == 'index'
    rows = JSON.parse($stdin.read).map { |name, number, platform| [name, Gem::Version.new(number), platform] }
    Zlib.gzip(Marshal.dump(rows))
  else
    spec = Gem::Package.new(gem).spec
    spec.abbreviate
    spec.sanitize
    Zlib::Deflate.deflate(Marshal.dump(spec))
  end

File.binwrite(out, contents)
