# What a person sees of a sign-in at a service.
post-title = Going back to { $service }
post-success = You are signed in. If { $service } does not open by itself, press the button.
post-failure = We tell { $service } that the sign-in did not take place. If it does not open by itself, press the button.

consent-title = Share with { $service }?
consent-reason-address_changed = You have several e-mail addresses, or the one that { $service } used to get is yours no more. Please choose which one it gets from now on.
consent-reason-first = { $service } asks for the following about you. Nothing is sent before you agree.
consent-reason-set_grew = { $service } asks for more than you agreed to before. What is new is marked.
consent-reason-purpose_changed = { $agency } changed what it uses your information for. Please look at it again.
consent-reason-agreement_revised = { $agency } changed its agreement with us. Please look at it again.
consent-reason-identifier_changed = { $agency } wants to know you by another name than before. Please look at it again.
consent-reason-reproofed = Your identity was verified again since you last agreed. Please look at what is shared now.
consent-reason-expired = You agreed more than a year ago. Please look at it again.
consent-reason-revoked = You disconnected { $service } before. It asks again.
consent-other-address = Send another of your addresses
consent-shared = What is sent
consent-new = New
consent-show = Show: { $name }
consent-purpose = Used for:
consent-nothing = { $service } asks for nothing about you but that it is the same person each time.
consent-withheld = Also asked for, but not sent
withheld-authentication_level = you signed in with one step, and it takes two.
withheld-identity_level = this sign-in does not need a verified identity.
withheld-malformed = what we have is not in a form that can be sent.
withheld-not_current = your identity was verified too long ago.
withheld-not_held = we do not have it.
withheld-not_in_agreement = the agency’s agreement does not allow it.
withheld-not_wanted = the service does not want it.
withheld-vault_closed = it lies in your profile, which is locked.
consent-known-by = { $agency } knows you by this e-mail address: { $address }
consent-privacy = How { $service } treats your data
consent-always = What is always sent along
consent-always-about = So that { $agency } recognizes you next time and knows how safely you signed in. The number is different at every agency.
consent-remembered =
    { $days ->
        [one] We remember your answer for a day. You can take it back on your account page at any time.
       *[other] We remember your answer for { $days } days. You can take it back on your account page at any time.
    }
consent-agree = Agree and continue
consent-decline = Do not share
consent-decline-about = If you do not share, nothing is sent about you, and { $service } learns only that the sign-in did not take place.

level-title = You cannot sign in to { $service } yet
level-sealed = This service needs your verified identity. It lies in your profile, which stays sealed since you chose a new password. Your recovery key opens it.
level-use-recovery-key = Use my recovery key
level-missing-proofing = This service is only for people whose identity was verified, and yours was not verified here yet.
level-missing-renewal = This service is only for people whose identity was verified lately. Yours was verified too long ago, and has to be verified again.
level-missing-face_match = This service is only for people whose face was compared with their identity document, and that was not done here yet.
level-about = Nothing about you was sent. { $service } can tell you what else you can do.
level-back = Back to { $service }

# The address that our metadata gives to services for people whom they turn away after a sign-in.
turned-away-title = The service could not let you in
turned-away-a-service = The service
turned-away-identification = { $service } did not receive all that it needs to know about you.
turned-away-identification-next = The agency’s agreement decides what may be sent, and only what we hold can be. You can look at what was sent, or ask the service how else you can use it.
turned-away-authentication = { $service } asks for a safer way of signing in than the one that you used.
turned-away-authentication-next = Add a passkey or a security key to your account, then go back to the service and sign in again.
turned-away-authorization = You are signed in, but { $service } does not let this account in.
turned-away-authorization-next = Whom it lets in is decided there. Please ask the service.
turned-away-other = { $service } could not finish your sign-in.
turned-away-other-next = Please go back and try again. If it happens again, ask the service.
turned-away-missing = It says that this is missing:
turned-away-to-methods = Your ways of signing in
turned-away-to-services = What was shared with which service
turned-away-to-help = Help
turned-away-transaction = The service’s number of this case

# Our own metadata.
metadata-description = One account for the services of many agencies, which receive only what each may ask for and you agree to.

# Signing out, here and at the services.
logout-question-title = Sign out everywhere?
logout-question-text = You signed out of { $service }. You are still signed in here.
logout-question-others = With the same sign-in you are signed in to:
logout-question-about = On a device that others use too, sign out everywhere.
logout-everywhere = Sign out everywhere
logout-there-only = Only { $service }
logout-there-only-about = If you choose only { $service }, it may show an error message and may not sign you out: it is told that you are still signed in here.
logout-here-title = You are signed out
logout-here-text = Your session here has ended.
logout-there-title = You are still signed in
logout-there-text = You signed out of one service. Your session here goes on.
logout-there_at_least-title = You signed out of one service
logout-there_at_least-text = If you are signed in here, you stay signed in.
logout-onward-title = Signing you out
logout-onward-text = { $done } of { $total } services were asked. If this page does not go on by itself, press the button.
logout-onward-go = Go on
logout-back = Go back to { $service }
logout-services = The services that you used with this sign-in:
logout-next = Sign out of these services too
logout-next-about = Each of them is opened for a moment and sends you back. If one does not, come back to this page and go on.
logout-sign-in-again = Sign in again
logout-outcome-waiting = still signed in there
logout-outcome-asked = was asked, and has not answered yet
logout-outcome-ended = signed out
logout-outcome-partly = signed out, but not everywhere that it knows of
logout-outcome-failed = says that it could not sign you out. Sign out there.
logout-outcome-unreachable = did not answer. Sign out there.
logout-outcome-unsupported = cannot be told. Sign out there.
logout-post-title = Going to { $service }
logout-post-text = We tell { $service } about your signing out. If it does not open by itself, press the button.

trial-title = Trying the next signing key with { $service }
trial-what = For half an hour, sign-ins at { $service } from this browser are signed with the key that comes next. Nobody else’s sign-ins change.
trial-next = Sign in at { $service } now, and tell whoever gave you this link whether it let you in.
trial-key = Signing key
