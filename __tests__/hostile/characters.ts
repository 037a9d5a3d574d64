/* oxlint-disable no-control-regex -- control characters are what this is about */
/** Control characters but tab and line feed, direction marks, and characters nobody sees. */
export const MISLEADING =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/
