-- Whether the face was compared with the document's portrait: 1, else 0. The mac covers it.

ALTER TABLE proofed_profile ADD COLUMN face_was_matched INTEGER NOT NULL DEFAULT 0; -- sensitive: no
