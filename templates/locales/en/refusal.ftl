# What is not done, and why: a heading, words for the person (-person), and for the service's engineer (-engineer).
refusal-code = Code: { $code }
refusal-help = Whom to ask
refusal-home = Go to { $service }
refusal-kept-signed_in = Nothing has ended here: you are still signed in.
refusal-kept-unknown = Nothing has ended here: if you were signed in, you still are.
refusal-kept-account = Sign out on your account page
refusal-return = Back to { $service }
refusal-tell-service = Go back to the website that sent you here and try again. If it happens again, tell them the code below: the mistake is on their side, not yours.
refusal-engineer = For the engineer of that website
refusal-engineer-code = Code
refusal-engineer-service = Service
refusal-engineer-detail = Finding
refusal-engineer-at = Time

refusal-request-missing = The request is missing
refusal-request-missing-person = The website that sent you here did not say what it wants. Please begin at that website again.
refusal-request-missing-engineer = There is no SAMLRequest parameter (nor, where logouts are answered, SAMLResponse). Send the message by HTTP-Redirect in the query string or by HTTP-POST as a form field (SAML Bindings 3.4, 3.5). People who bookmark this page see this too.

refusal-request-parameters = The request is unclear
refusal-request-parameters-person = The website that sent you here sent a request that can be read in more than one way.
refusal-request-parameters-engineer = Each of SAMLRequest, SAMLResponse, RelayState, SigAlg and Signature may stand once, with its name unescaped, and SigAlg and Signature only together (SAML Bindings 3.4.4.1).

refusal-request-encoding = The request is damaged
refusal-request-encoding-person = The request of the website that sent you here cannot be read.
refusal-request-encoding-engineer = By HTTP-Redirect the message is raw DEFLATE, then base64, then percent-encoded; by HTTP-POST it is base64 alone (SAML Bindings 3.4.4, 3.5.4).

refusal-request-too-large = The request is too large
refusal-request-too-large-person = The website that sent you here sent more than any request needs.
refusal-request-too-large-engineer = A message may have 128 KiB after decoding.

refusal-request-not-xml = The request is damaged
refusal-request-not-xml-person = The request of the website that sent you here cannot be read.
refusal-request-not-xml-engineer = The message is not XML as SAML allows it: UTF-8, one root, no document type, no processing instructions, no comments, unique identifiers, and moderate size and depth.

refusal-request-not-authn = This is another kind of request
refusal-request-not-authn-person = The website that sent you here asked for something that cannot be done at this address.
refusal-request-not-authn-engineer = Our SingleSignOnService takes samlp:AuthnRequest of SAML 2.0, our SingleLogoutService samlp:LogoutRequest and samlp:LogoutResponse, and neither anything else.

refusal-request-issuer = The website did not say who it is
refusal-request-issuer-person = The request does not say which website sent you here, so we cannot answer it.
refusal-request-issuer-engineer = Issuer must be the first element of the message and hold your entityID: 1 to 1024 characters without white space (SAML Core 3.2.1, 8.3.6).

refusal-request-relay-state = The request carries too much
refusal-request-relay-state-person = The website that sent you here sent something along that we cannot give back to it.
refusal-request-relay-state-engineer = RelayState is returned octet for octet, up to 2048 bytes of UTF-8 without NUL. SAML allows 80 bytes; keep what is longer on your side (SAML Bindings 3.4.3).

refusal-request-content = The request breaks the rules
refusal-request-content-person = The website that sent you here sent a request that does not keep to the rules.
refusal-request-content-engineer = The message does not follow the schema or the rules of SAML Core: 3.2.1 and 3.4.1 for an AuthnRequest, 3.7 for a logout.

refusal-service-unknown = We do not know this website
refusal-service-unknown-person = The website that sent you here is not connected with us. If you typed its address yourself, check it: it may be an imitation.
refusal-service-unknown-engineer = No service with this Issuer is registered. Compare it with the entityID of the metadata that you handed in, letter by letter; and ask the administrator whether it was applied.

refusal-service-disabled = This website is switched off
refusal-service-disabled-person = Signing in at this website is switched off at the moment. Please try again later.
refusal-service-disabled-engineer = The agreement says that the service is disabled. Ask the administrator.

refusal-acs-unregistered = We do not know where to send you back
refusal-acs-unregistered-person = The website wants you back at an address that it did not register with us. For your safety we do not send you there.
refusal-acs-unregistered-engineer = AssertionConsumerServiceURL or -Index must be one of the AssertionConsumerService endpoints of your metadata, with the binding HTTP-POST or HTTP-Artifact and on https. Hand in new metadata if it has changed.

refusal-signature-missing = The request is not signed
refusal-signature-missing-person = The website did not prove that the request is its own. For your safety we do not answer it.
refusal-signature-missing-engineer = Messages of this service must be signed: by HTTP-Redirect with SigAlg and Signature, by HTTP-POST with an enveloped XML Signature. Our metadata says WantAuthnRequestsSigned; logout messages are always signed.

refusal-signature-wrong = The signature of the request is wrong
refusal-signature-wrong-person = We cannot tell whether the request really comes from the website that it names. For your safety we do not answer it.
refusal-signature-wrong-engineer = The signature must verify with a signing key of your metadata: RSA of 2048 bits or more with SHA-256, -384 or -512, or ECDSA on P-256 or P-384; exclusive canonicalization, one reference to the message itself. If you changed your key, hand in metadata with the new one.

refusal-request-signed-inside = The signature is in the wrong place
refusal-request-signed-inside-person = The website that sent you here signed its request in a way that we cannot check.
refusal-request-signed-inside-engineer = By HTTP-Redirect the query string is signed, and an XML Signature inside the message must be left out (SAML Bindings 3.4.4.1).

refusal-destination-wrong = The request is meant for somebody else
refusal-destination-wrong-person = The website that sent you here wrote its request for another place than this one.
refusal-destination-wrong-engineer = A signed request must carry Destination, and Destination must be the address of our service that it is sent to, as our metadata lists it: SingleSignOnService, SingleLogoutService or ArtifactResolutionService.

refusal-request-stale = The request is too old
refusal-request-stale-person = It took too long to get here. Please go back to the website and begin again.
refusal-request-stale-engineer = IssueInstant is more than five minutes ago, or NotOnOrAfter has passed. If not, compare your clock.

refusal-from-the-future = The clock of that website is wrong
refusal-from-the-future-person = The website that sent you here says that it is later than it is, so we cannot tell whether its request is fresh.
refusal-from-the-future-engineer = IssueInstant lies in the future. Compare your clock; it must be in UTC.

refusal-request-replayed = This request was used already
refusal-request-replayed-person = Each request works once. Please go back to the website and begin again.
refusal-request-replayed-engineer = A request with this ID came before. Every request needs an ID of its own (SAML Core 1.3.4); reloading or going back in the browser sends the old one again.

refusal-page-not-found = There is no such page
refusal-page-not-found-person = The address may be mistyped, or the page is not there any more.

refusal-method-not-allowed = This page cannot be used like that
refusal-method-not-allowed-person = The page is there, but not for what your browser tried. Please open it from the beginning.

refusal-body-too-large = That was too much
refusal-body-too-large-person = What your browser sent is larger than anything our pages ask for.

refusal-form-malformed = We did not understand the form
refusal-form-malformed-person = Something that belongs to the form did not arrive. Please go back and try again.

refusal-form-expired = This form came from another website
refusal-form-expired-person = Your browser says that another website sent this form. For your safety nothing was done.

refusal-request-gone = This sign-in is over
refusal-request-gone-person = It waited for more than an hour, or it ended. Please go back to the website that you want to use and begin again.

refusal-cookie-missing = This sign-in belongs to another browser
refusal-cookie-missing-person = It was begun in another browser, or this browser did not keep our cookie, by which we know that it is still you. Please allow cookies for this website, go back to the website that you want to use and begin again.

refusal-too-many = Too many tries
refusal-too-many-person = There were many tries from here in a short time. Please wait a few minutes and try again.

refusal-body-too-slow = It took too long
refusal-body-too-slow-person = What your browser sent did not arrive in time. Check your connection, go back and try again.

refusal-too-many-at-once = Too many at once from your network
refusal-too-many-at-once-person = Your network has too many connections to us open at the same time. If you share it with others, such as in an office, they count too. Please try again in a few seconds.

refusal-busy = Many people are signing in
refusal-busy-person = Please try again in a moment. Nothing is lost.

refusal-record-altered = Something in your account needs our attention
refusal-record-altered-person = A record of ours about you is not as we wrote it, so we do not use it. We have been told. Nothing was sent to the service. If this page comes again tomorrow, tell us its code and time.

refusal-identifier-altered = We cannot tell this agency who you are
refusal-identifier-altered-person = The record of the name by which this agency knows you is not as we wrote it, so we do not use it: the agency might take you for somebody else. We have been told. Nothing was sent to the service. If this page comes again tomorrow, tell us its code and time.

refusal-service-altered = We cannot sign you in at this service at the moment
refusal-service-altered-person = What we have on record about this service is not as we wrote it, so we send it nothing. We have been told. If this page comes again tomorrow, tell us its code and time.

refusal-outage = We cannot do that at the moment
refusal-outage-person = Something is out of order on our side. Please try again in a few minutes. Nothing was done by halves.

refusal-account-stopped = This account cannot be used
refusal-account-stopped-person = Signing in with this account was stopped. Nothing was sent to the service. If you do not know why, our help page says whom to ask.

refusal-answered-before = This sign-in was answered already
refusal-answered-before-person = You have answered it before, perhaps in another window. Look there, or go back to the website and begin again.

refusal-service-unusable = We cannot send anything to this website safely
refusal-service-unusable-person = What we know about you is only sent locked with a key of the website. This website has handed in no key, or none that goes with a way of locking that we use. Nothing was sent.
refusal-service-unusable-engineer = An answer is encrypted to a key of the metadata: a KeyDescriptor for encryption, or without use, with an RSA key of 2048 bits or more. A key that lists EncryptionMethods must list one that we use: AES-256-GCM or AES-128-GCM (or the one cipher that the agreement names) and RSA-OAEP. Hand in metadata that does, or agree on an exception by name.

refusal-address-of-another = This address belongs to somebody else there
refusal-address-of-another-person = The website knows people by their e-mail address, and knows somebody else by yours. Nothing was sent. Add another address to your account and try again, or ask the website.

refusal-address-taken = This address has an account by now
refusal-address-taken-person = Somebody confirmed the same address a moment before you, perhaps you in another tab. Please sign in with it, or choose a new password if you do not know it.

refusal-service-verifies-nothing = We cannot sign anything that this website would believe
refusal-service-verifies-nothing-person = What we send carries our signature. This website says that it accepts only kinds of signature that we do not make. Nothing was sent.
refusal-service-verifies-nothing-engineer = The metadata lists, as alg:SigningMethod or alg:DigestMethod, what the service verifies, and our key makes none of it. RSA-SHA1 and SHA-1 are never made, and no agreement can allow them. Hand in metadata that lists a signature of ours, as RSA-SHA256 with SHA-256, or that lists none.
