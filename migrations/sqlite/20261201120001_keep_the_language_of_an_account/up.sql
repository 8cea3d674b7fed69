-- In which language an account reads (its tag, such as `es`); nothing as long as it is not known. It stands in clear, since mails are
-- written while the person is away, and no mac covers it: whoever changes it changes the language of mails.

ALTER TABLE subscriber ADD COLUMN language TEXT; -- sensitive: no
