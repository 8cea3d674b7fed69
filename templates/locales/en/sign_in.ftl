# Signing up.
sign-up-title = Create an account
sign-up-intro = One { $service } account signs you in to the services of many agencies.
sign-up-email-hint = We send a link to this address. Use one that only you can read.
sign-up-have-account = You have an account already?
sign-up-problem-address = This is not an e-mail address that we can write to. It looks like name@example.com.
sign-up-problem-rules = To go on, please accept the rules of use.
rules-title = Rules of use
rules-one-person = The account is for you alone. Do not share it.
rules-true-facts = What you tell us about yourself is true.
rules-keep-secret = You keep your password and your recovery key secret. We never ask you for them by mail or phone.
rules-tell-us = If somebody else uses your account, you change your password and tell us.
rules-privacy-link = What we keep about you, and who can read it
rules-accept = I accept the rules of use
check-mail-title = Check your e-mail
check-mail-sign_up = We sent a link to { $email }. Follow it to go on.
check-mail-forgot_password = If { $email } belongs to an account, a link is on its way. Follow it to choose a new password.
check-mail-once = The link works once and for 24 hours.
check-mail-spam = If it does not come within a few minutes, look in your spam folder.
check-mail-same-browser = Open it in this browser, if you can: then you go on where you left off. You can open it elsewhere too.
check-mail-not-there = No mail, or a wrong address?
check-mail-again = Start again
choose-password-title = Choose a password
choose-password-hint = At least 12 characters. Spaces and any language are fine.
new-password-title = Choose a new password
new-password-sealed-title = What happens to your profile
new-password-sealed-text = Your old password was the key to the verified part of your profile. With a new password it stays sealed until you open it with your recovery key, which you can do right after this.
old-password-title = You still know your old password?
old-password-text = A hundred wrong passwords in a row were given, so your password is not accepted any more. If you still know it, you can take it up again: your second step comes first, then the password. Then nothing is sealed.
old-password-begin = I remember the old one
old-password-form-title = Type your old password
old-password-form-intro = If it is right, it is accepted again and your profile opens with it as before.
old-password-tries =
    { $tries ->
        [one] You can try once.
       *[other] You can try { $tries } times.
    }
old-password-problem-wrong = This was not your password.
old-password-none-left = It was tried five times. Choose a new password: the link in the mail still works, for 24 hours after it was sent.
old-password-use = Take it up again
old-password-instead = You do not remember it? Choose a new password: open the link in the mail once more.
password-problem-too_short = This password is too short. Use at least 12 characters.
password-problem-too_long = This password is too long. Use at most 128 characters.
password-problem-common = This password is on the lists that attackers try first. Choose another one.
password-problem-guessable = This password is too easy to guess. Add a few unrelated words.
password-problem-yours = This password contains your e-mail address or our name, which attackers try first. Choose another one.
password-problem-different = The two passwords are not the same. Please type them again.
password-advice-title = A good password
password-advice-phrase = Four or five words that have nothing to do with each other are strong and easy to type.
password-advice-own = Use it nowhere else.
password-advice-manager = A password manager, or your browser, can make one and remember it for you.
choose-method-title = Choose a second way to show that it is you
choose-method-intro = Besides your password, you use one of these each time you sign in. You can add more later.
add-method-title = Add a sign-in method
add-method-intro = With a second method you can still sign in when you lose the first.
choose-another-method = Choose another method
exit-help = I cannot do this
exit-service = Go back to { $service } without signing in
recovery-key-title = Keep your recovery key
recovery-key-intro = Write this key down or print it, and keep it in a safe place. We show it only now.
recovery-key-label = Recovery key
recovery-key-opens = If you forget your password, this key opens the verified part of your profile again.
recovery-key-once = It works once. Then you get a new one.
recovery-key-nobody = Nobody else has it, and we cannot give it to you again.
recovery-key-kept = I have written down or printed my recovery key
recovery-key-problem-not_kept = Please write the key down first, then tick the box. We cannot show it again.
link-question-title = Go on to { $service }?
link-question-asked = In another browser, on another device, or some time ago in this one, { $service } of { $agency } asked for a sign-in, and this link was sent from there.
link-question-warning = If it was not you who began there, do not go on to it.
link-question-sign_up = In either case you can confirm { $email } and create your account.
link-question-forgotten_password = In either case you can choose a new password for { $email }.
link-question-go-on = Continue to { $service }
link-question-alone-sign_up = Only confirm my address
link-question-alone-forgotten_password = Only choose a new password
link-over = The service for which you began does not wait any more: an hour has passed, or it was answered. You can go on here, and begin there again afterwards.
link-over-named = { $service } does not wait for you any more: an hour has passed, or it was answered. You can go on here, and begin there again afterwards.
link-unusable-title = This link does not work any more
link-unusable-text = It was used already, it is more than 24 hours old, or it was not copied whole.
link-unusable-again = Get a new link

# Authentication app.
totp-set-up-title = Set up your authentication app
totp-set-up-open = Open your app
totp-set-up-open-text = Any app for one-time codes will do, and many password managers can do it too.
totp-set-up-scan = Scan this picture with it
totp-set-up-picture = QR code with the secret below
totp-set-up-type = Or type this secret into the app:
totp-set-up-code = Type the code that it shows
totp-title = Enter the code from your app
totp-code-label = Code
totp-code-hint = Six digits, new every 30 seconds
code-problem-phone_gone = This phone is no sign-in method of yours any more. Choose another one.
code-problem-wrong = This code is not right. Wait for a new one and try again.
code-problem-wrong_text = This code is not right. Only the code of the newest text message works: if you asked for another one, wait for it.
code-problem-used = This code was used already. Wait for the next one.
code-problem-malformed = A code has six digits.
code-problem-expired = This code is older than ten minutes. Send a new one.
code-problem-too_many = Too many messages were sent for now. Wait a few minutes, or use another method.

# Passkeys and security keys.
webauthn-set-up-passkey = Set up face, finger or screen lock
webauthn-set-up-security_key = Set up your security key
webauthn-set-up-about-passkey = Your device asks you to unlock it. Your face or fingerprint never leaves it.
webauthn-set-up-about-security_key = Plug in your key or hold it to your device when the browser asks for it.
webauthn-set-up-button-passkey = Set it up
webauthn-set-up-button-security_key = Set it up
webauthn-use-passkey = Use face, finger or screen lock
webauthn-use-security_key = Use your security key
webauthn-use-about-passkey = Unlock your device when the browser asks for it.
webauthn-use-about-security_key = Plug in your key or hold it to your device when the browser asks for it.
webauthn-use-button-passkey = Go on
webauthn-use-button-security_key = Go on
webauthn-no-script = This method needs JavaScript, which your browser has switched off. Switch it on for this site, or choose another method.
webauthn-unsupported = This browser or device cannot do this. Please choose another method.
webauthn-cancelled = It was cancelled, or it took too long. You can try again.
webauthn-known = This device or key is set up already. Use another one, or choose another method.
webauthn-refused = That did not work. Try again, or choose another method.

# Text messages.
sms-set-up-title = Get codes by text message
sms-set-up-intro = We send a code to your phone to see that it is yours.
sms-send = Send me a code
phone-problem-country = We do not send codes to phones of that country or territory. Use another phone, or choose another method.
phone-problem-number = This is not a phone number in that country or territory. Please check it.
phone-problem-not_for_text = This number cannot receive text messages. Use a mobile number, or choose another method.
phone-problem-too_many = Too many messages were sent for now. Wait a few minutes, or choose another method.
sms-code-title = Enter the code that we sent
sms-code-intro = We sent a text message to { $phone }. It may take a minute.
sms-code-label = Code
sms-code-hint = Six digits, from the newest text message; it works for ten minutes
sms-another-number = Send it again, or use another number
sms-title = Sign in with a text message
sms-choose = We send a code to your phone.
sms-sent = We sent a text message to { $phone }. It may take a minute.
sms-send-to = Send a code to { $phone }
sms-send-again = Send a new code to { $phone }
sms-not-arrived = Nothing came?

# Signing in.
sign-in-title = Sign in
sign-in-again-title = Please sign in again
sign-in-again-intro = You are signed in, and the service asks you to show again that it is you.
sign-in-waiting = After you sign in, you see what it asks for about you, and decide.
sign-in-button = Sign in
sign-in-forgot = Forgot your password?
sign-in-new-title = New to { $service }?
sign-in-problem-wrong = The e-mail address or the password is wrong. Check both, or choose a new password.
second-factor-title = Show that it is you
second-factor-intro = Choose one of your sign-in methods.
second-factor-then-enrol = A passkey or a security key is needed here, and your account has none yet. First show that it is you, then you add one.
second-factor-then-enrol-asked = { $service } asks for a passkey or a security key, and your account has none yet. First show that it is you, then you add one.
enrol-title = Add a passkey or a security key
enrol-intro = A passkey or a security key is needed here, and your account has none yet.
enrol-intro-asked = { $service } asks for a passkey or a security key, and your account has none yet. Add one, and you go on to { $service }.
locked-title = Too many wrong codes
locked-minutes =
    { $minutes ->
        [one] For your protection, no code is taken for one minute. Then you can try again.
       *[other] For your protection, no code is taken for { $minutes } minutes. Then you can try again.
    }
locked-ended = There were so many wrong codes that none of your sign-in methods works any more.
locked-not-you = If it was not you, somebody knows your password: sign in later and change it.
suspended-title = This account is stopped
suspended-text = An administrator stopped this account, so you cannot sign in now. Your password was right, and nothing was deleted.

# Forgotten passwords and the recovery key.
forgot-title = Forgot your password?
forgot-intro = Type your e-mail address. We send you a link to choose a new password.
forgot-key-title = First find your recovery key
forgot-key-text = Your password is the key to the verified part of your profile. With a new one it stays sealed until you type your recovery key, which you were shown when you signed up. Without the key nobody can open it again, and we cannot either.
forgot-key-known = You still know your password? Change it on your account page, and nothing is sealed.
forgot-button = Send me the link
unlock-title = Open your profile
unlock-password-intro = Type your password to open the verified part of your profile. It stays open until you sign out.
unlock-key-intro = You chose a new password, so the verified part of your profile is sealed. Your recovery key opens it again.
unlock-key-hint = Groups of letters and digits, shown to you when you signed up. Small letters and missing dashes are fine.
unlock-button = Open my profile
unlock-problem-wrong = That does not open it. Please check it and try again.
unlock-problem-malformed = This is not a recovery key: it has 28 letters and digits.
unlock-problem-ended = After a hundred wrong passwords in a row no password is accepted any more. Choose “Forgot your password?” on the sign-in page.
unlock-problem-mistyped = There is a typing mistake in it. Please compare it with what you wrote down.
unlock-skip-title = You do not have it?
unlock-skip-text = You can sign in without it. The verified part of your profile (name, address, date of birth, Social Security number) stays sealed: nobody can open it, we cannot either, and no service receives it. You can open it later if you find the key.
unlock-skip = Go on without it
