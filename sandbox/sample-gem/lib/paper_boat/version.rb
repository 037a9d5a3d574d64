# frozen_string_literal: true

module PaperBoat
  VERSION = "1.0.0"
end
