ALTER TABLE proofed_profile DROP COLUMN face_was_matched;
