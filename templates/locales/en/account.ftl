# The account's own pages.
account-title = Your account
account-waiting = { $service } of { $agency } is still waiting for you.
account-waiting-go-on = Go on to it
account-sealed-title = Part of your profile is sealed
account-sealed-text = You chose a new password. Until you open it with your recovery key, nobody can read the verified part of your profile, and no service receives it.
account-sealed-open = Open it with the recovery key
account-addresses = E-mail addresses
account-addresses-change = Add or remove e-mail addresses
account-methods = Sign-in methods
account-methods-change = Add, rename or remove sign-in methods
account-password = Password and recovery key
account-password-change = Change your password
account-recovery-key = Recovery key
account-recovery-key-made = Your recovery key was made on { $at } (UTC). If you forget your password, it alone opens the verified part of your profile again: we cannot, and nobody else can. Keep it where you find it.
account-recovery-key-none = You have no recovery key. If you forget your password, nothing opens the verified part of your profile again.
account-recovery-key-text = If yours is lost, get a new one while you can sign in. The old one opens nothing from then on.
account-recovery-key-new = Get a new recovery key
account-services = Connected services
account-services-count =
    { $count ->
        [0] You have not signed in to any service yet.
        [one] You have signed in to one service.
       *[other] You have signed in to { $count } services.
    }
account-services-see = See what each one received, and disconnect
account-sessions = Where you are signed in
account-sessions-count =
    { $count ->
        [0] Only in this browser.
        [one] In this browser and in one other.
       *[other] In this browser and in { $count } others.
    }
account-sessions-end = Sign out everywhere else
account-history = What happened lately
account-history-empty = Nothing yet.
history-when = When (UTC)
history-what = What
confirmed-at = Confirmed { $at } (UTC)
added-at = Added { $at } (UTC).
used-at = Last used { $at } (UTC).
email-add-title = Add an e-mail address
email-add = Send me a link
email-sent = We sent a link to that address. Follow it in this browser to add the address.
email-confirm-title = Add this e-mail address?
email-confirm-text = { $email } becomes an address of your account: you can sign in with it, and we write to it.
email-confirm = Add the address
email-confirm-not = Do not add it
email-problem-address = This is not an e-mail address that we can write to. It looks like name@example.com.
email-problem-last = This is your last e-mail address. Add another one before you remove it.
email-problem-mails = Many mails were sent to this address or from here in a short time. Please wait a few minutes and try again.
email-problem-too_many = An account has at most twelve e-mail addresses. Remove one first.
methods-problem-last = This is your last sign-in method. Add another one before you remove it.
methods-problem-name = A name has between 1 and 40 characters.
method-ended = ended after too many wrong codes
method-last = It cannot be removed: it is the only one that works.
rename-label = New name for { $name }
services-intro = Each service below received what is listed, with your consent. A disconnected service asks you again next time.
services-none = You have not signed in to any service yet.
services-shared = What it received
services-shared-with = What { $name } received
services-not-connected = Disconnected: it asks you again next time.
disconnect-named = Disconnect { $name }

# The history: what can happen.
history-account_created = You created your account
history-locked = Too many wrong codes: your account was locked for a while
history-password_changed = You changed your password
history-password_ended = After a hundred wrong tries in a row, your password has ended
history-password_taken_up = You took your password up again after it had ended
history-password_reset = You chose a new password by a link
history-recovery_key_used = Your recovery key opened your profile
history-signed_in = You signed in
history-signed_out = You signed out
history-account_ended = We ended your account
history-account_reinstated = We let you use your account again
history-account_suspended = We stopped your account
history-address_added = An e-mail address was added
history-address_removed = An e-mail address was removed
history-method_ended = A sign-in method has ended after too many wrong tries
history-method_added = A sign-in method was added
history-method_removed = A sign-in method was removed
history-method_renamed = A sign-in method was renamed
history-recovery_key_made = You got a new recovery key
history-service_disconnected = You disconnected a service
history-sessions_ended = You signed out everywhere else
history-sessions_ended_by_us = We signed you out everywhere

# Shown once, after something was done.
notice-method_added = The sign-in method was added.
notice-method_removed = The sign-in method was removed.
notice-method_renamed = The name was changed.
notice-password_changed = Your password was changed.
notice-address_added = The e-mail address was added.
notice-address_removed = The e-mail address was removed.
notice-service_disconnected = The service was disconnected.
notice-sessions_ended = You are signed out everywhere else.
notice-signed_out = You are signed out.
