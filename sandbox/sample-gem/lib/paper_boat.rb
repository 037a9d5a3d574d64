# frozen_string_literal: true

require_relative "paper_boat/version"

# A paper boat with a name on it.
module PaperBoat
  def self.launch(name)
    <<~BOAT
          /|
         / |
        /__|__
      \\~~~~~~/
       \\____/   #{name}
    BOAT
  end
end
