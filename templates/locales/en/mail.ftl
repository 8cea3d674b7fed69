# Mails and text messages. Each mail has a body and a subject of the same name with -subject; one that is about a link has the
# words on its button with -action. The HTML part is made of the same words: an empty line begins a paragraph, and a line is
# a line, so no sentence is broken into several.
# {$service} is our name, {$time} when it happened, {$link} what to follow; {$sign_in}, {$forgotten} and {$sign_up} are pages.

method-out-of-band = Text message
method-passkey = Face, finger or screen lock
method-password = Password
method-security-key = Security key
method-totp = Authentication app

mail-sign-up-subject = Confirm your e-mail address
mail-sign-up-action = Confirm my address
mail-sign-up =
    Thank you for creating a { $service } account. To confirm your e-mail address and go on, follow this link:

    { $link }

    The link works once and for 24 hours. If you did not ask for it, ignore this mail: nothing happens without the link.

mail-already-account-subject = You already have a { $service } account
mail-already-account =
    Somebody, probably you, asked for a new { $service } account with this e-mail address. It has an account already.

    Sign in: { $sign_in }
    If you forgot your password: { $forgotten }

    If it was not you, there is nothing to do: nobody learned that this account exists.

mail-add-address-subject = Confirm this e-mail address
mail-add-address-action = Confirm this address
mail-add-address =
    To add this address to your { $service } account, follow this link in the browser in which you are signed in:

    { $link }

    The link works once and for 24 hours. If you did not ask for it, ignore this mail.

mail-address-taken-subject = This address belongs to an account already
mail-address-taken =
    Somebody asked to add this e-mail address to a { $service } account. It belongs to an account already, so it was not added.

    If you have two accounts, sign in to the other one and remove the address there first: { $sign_in }

mail-forgotten-password-subject = Choose a new password
mail-forgotten-password-action = Choose a new password
mail-forgotten-password =
    To choose a new password for your { $service } account, follow this link:

    { $link }

    The link works once and for 24 hours. Signing in will ask for your second factor as always. Have your recovery key at hand: only it opens your profile again after this.

    If you did not ask for it, ignore this mail: your password stays as it is.

mail-no-account-subject = No account with this e-mail address
mail-no-account =
    Somebody, probably you, asked for a new { $service } password with this e-mail address. It has no account here.

    Perhaps you used another address. To create an account: { $sign_up }

mail-password-changed-subject = Your password was changed
mail-password-changed =
    The password of your { $service } account was changed on { $time }. All other sessions were ended.

    If it was not you, choose a new password now: { $forgotten }

mail-password-ended-subject = No password is accepted for your account any more
mail-password-ended =
    A hundred wrong passwords in a row were given for your { $service } account, the last on { $time }. Somebody may be guessing, so no password is accepted any more, not even the right one, except in browsers in which you signed in before.

    To sign in elsewhere, ask for a link: { $forgotten }

    If you still know your password, say so on the page that the link opens. It is taken up again after your second factor, and your profile stays open to it. Otherwise choose a new one there, and have your recovery key at hand.

mail-password-taken-up-subject = Your password is accepted again
mail-password-taken-up =
    The password of your { $service } account had ended after too many wrong tries. On { $time } it was taken up again, by a link, a second factor and the password.

    If it was not you, choose a new password now: { $forgotten }

mail-method-added-subject = A way to sign in was added
mail-method-added =
    A way to sign in was added to your { $service } account on { $time }: { $method }.

    If it was not you, choose a new password now and remove it from your account: { $forgotten }

mail-method-removed-subject = A way to sign in was removed
mail-method-removed =
    A way to sign in was removed from your { $service } account on { $time }: { $method }.

    If it was not you, choose a new password now: { $forgotten }

mail-address-added-subject = An e-mail address was added
mail-address-added =
    An e-mail address was added to your { $service } account on { $time }: { $address }.

    If it was not you, choose a new password now and remove it from your account: { $forgotten }

mail-address-removed-subject = An e-mail address was removed
mail-address-removed =
    An e-mail address was removed from your { $service } account on { $time }: { $address }.

    If it was not you, choose a new password now: { $forgotten }

mail-recovery-key-made-subject = You have a new recovery key
mail-recovery-key-made =
    A new recovery key was made for your { $service } account on { $time }. An earlier one opens nothing any more.

    If it was not you, choose a new password now: { $forgotten }

mail-recovery-key-used-subject = Your recovery key was used
mail-recovery-key-used =
    The recovery key of your { $service } account was used on { $time } to open your profile.

    If it was not you, choose a new password now: { $forgotten }

mail-too-many-codes-subject = Too many wrong codes
mail-too-many-codes =
    Somebody who knows your password gave too many wrong codes at your { $service } account on { $time }. Signing in is stopped for ten minutes.

    If it was not you, choose a new password now: { $forgotten }

mail-authenticator-ended-subject = A way to sign in has ended
mail-authenticator-ended =
    After too many wrong tries, this way to sign in to your { $service } account has ended on { $time }: { $method }. Sign in another way, remove it and add it anew.

    If it was not you who tried, choose a new password now: { $forgotten }

mail-account-ended-subject = Your account has ended
mail-account-ended =
    We ended your { $service } account on { $time }. Nobody can sign in to it any more, and no website learns anything from it.

    If you did not ask for this, or want to know why, write to us or call us: { $help }

mail-account-reinstated-subject = You can use your account again
mail-account-reinstated =
    We had stopped your { $service } account. Since { $time } you can sign in again: { $sign_in }

    Your profile was not opened or changed.

mail-account-suspended-subject = Your account is stopped
mail-account-suspended =
    We stopped your { $service } account on { $time }. You are signed out everywhere, and cannot sign in until we let you use it again. Nothing was deleted, and your profile was not opened.

    To learn why, and what you can do, write to us or call us: { $help }

# The last line lets phones offer the code on our page only.
sms-code =
    { $code } is your { $service } code. It is valid for 10 minutes, or until we send a newer one. Give it to nobody.

    @{ $host } #{ $code }
sms-phone-removed = This phone number was removed from your { $service } account. If it was not you, choose a new password at once.
