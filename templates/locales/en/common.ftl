# What stands on every page, and words that several pages share.
skip-to-content = Skip to the content
nav-account = Account
nav-your-account = Your account
nav-sign-out = Sign out
footer-help = Help
footer-privacy = Privacy
title-error = Error:
problem-heading = Please check this
continue = Continue
copy = Copy
copied = Copied
print = Print
rename = Rename
remove-named = Remove { $name }
page-late = You were away for a while, or you signed in or out in another tab. What you sent last was not used. Please go on here.
asking = { $service } of { $agency } asks you to sign in.
back-to-account = Back to your account
back-to-methods = Back to your sign-in methods
back-to-sign-in = Back to sign in
tries-left =
    { $count ->
        [one] One more wrong code locks your account for ten minutes.
       *[other] { $count } more wrong codes lock your account for ten minutes.
    }

# Fields.
email-label = E-mail address
password-label = Password
password-again-label = Password again
show-password = Show password
hide-password = Hide password
phone-label = Phone number
phone-hint = For example 202-555-0123
region-label = Country or territory
region-US = United States
region-PR = Puerto Rico
region-VI = U.S. Virgin Islands
region-GU = Guam
region-AS = American Samoa
region-MP = Northern Mariana Islands
region-CA = Canada
region-MX = Mexico
region-GB = United Kingdom
region-DE = Germany
region-FR = France
region-ES = Spain
region-IN = India
region-JP = Japan
region-KR = South Korea
region-PH = Philippines
region-AU = Australia
method-name-label = Name for it (optional)
method-name-hint = So that you recognize it later, for example “my phone”

# Kinds of sign-in methods.
kind-passkey = Face, finger or screen lock
kind-security_key = Security key
kind-totp = Authentication app
kind-out_of_band = Text message
kind-about-passkey = Use what unlocks this phone or computer. It cannot be tricked by a false website.
kind-about-security_key = Use a key that you plug in or hold to your device. It cannot be tricked by a false website.
kind-about-totp = Use an app on your phone that shows a new code every 30 seconds. It works without a signal.
kind-about-out_of_band = Get a code by text message each time you sign in.
kind-restricted = Text messages are the weakest choice: a phone number can be taken over, and messages can be read on their way. Set up another method too if you can.
kind-choose-passkey = Set up face, finger or screen lock
kind-choose-security_key = Set up a security key
kind-choose-totp = Set up an authentication app
kind-choose-out_of_band = Set up text messages
kind-use-passkey = Unlock this device as you always do.
kind-use-security_key = Plug in your key, or hold it to your device.
kind-use-totp = Type the code that your app shows.
kind-use-out_of_band = We send you a code.
kind-use-button-passkey = Use face, finger or screen lock
kind-use-button-security_key = Use my security key
kind-use-button-totp = Use my app
kind-use-button-out_of_band = Send me a text message

# What is sent as true and false.
answer-true = Yes
answer-false = No

# Attributes, as people call them.
attribute-aal = How you signed in
attribute-address1 = Street address
attribute-address2 = Street address, second line
attribute-age_over_18 = Whether you are 18 or older
attribute-age_over_21 = Whether you are 21 or older
attribute-age_over_65 = Whether you are 65 or older
attribute-all_emails = All your e-mail addresses
attribute-city = City
attribute-dob = Date of birth
attribute-email = E-mail address
attribute-first_name = First name
attribute-ial = How well your identity is known
attribute-last_name = Last name
attribute-locale = Language
attribute-middle_name = Middle name
attribute-phone = Phone number
attribute-ssn = Social Security number
attribute-state = State
attribute-uuid = A number for you at this agency
attribute-verified_at = When your identity was verified
attribute-x509_issuer = Issuer of your government card
attribute-x509_presented = Whether you used a government card
attribute-x509_subject = Name on your government card
attribute-zipcode = ZIP code
