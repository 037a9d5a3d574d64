# frozen_string_literal: true

require_relative "lib/paper_boat/version"

Gem::Specification.new do |spec|
  spec.name = "paper-boat"
  spec.version = PaperBoat::VERSION
  spec.authors = ["Ada Gemwright"]
  spec.summary = "Launches a paper boat in your terminal"
  spec.description = "The gem that script/rehearse releases when it is given no project: small, real, with an executable."
  spec.homepage = "https://example.com/paper-boat"
  spec.license = "MIT"
  spec.required_ruby_version = ">= 2.7"
  spec.metadata["rubygems_mfa_required"] = "true"

  spec.files = Dir.chdir(__dir__) { `git ls-files -z -- exe lib README.md`.split("\x0") }
  spec.bindir = "exe"
  spec.executables = ["paper-boat"]
  spec.require_paths = ["lib"]
end
