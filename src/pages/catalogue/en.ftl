## Signing in
sign-in = Sign in
sign-in-to = to continue to { $client }
user-name = User name
password = Password
remember = Keep me signed in on this device
forgot-password = Forgot your password?
or = or
cancel = Cancel
error-title = Error: { $title }
no-way-in = No way to sign in is set up for this site. Its owner maps an identity provider to it.
wrong-password = The name or the password is not right.
user-disabled = This account has been switched off. Ask those who run this site.
user-locked = The password of this account is locked. Ask those who run this site.
throttled = Too many wrong passwords. Wait a little and try again.
form-expired = This page has been open for too long. Sign in again.

## Signing out
sign-out = Sign out
sign-out-title = Sign out?
sign-out-text = Your session in this browser will end.
signed-out = Signed out
signed-out-title = You are signed out
signed-out-text = Close the browser if others use this device.
go-back = Go back
go-back-to = Go back to { $client }

## Passwords
password-change = Change your password
password-choose = Choose a new password
password-changed = Your password has been changed
password-changed-text = Everywhere else you have been signed out.
password-account = This is about the account { $user }.
password-rules = Take eight characters or more. A long one that nobody guesses is better than one with many signs.
password-old = Old password
password-new = New password
password-repeat = New password again
password-save = Save
password-elsewhere = Your password is kept at { $provider }. Change it there.
password-configured = Your password is kept in the configuration of this gateway. Ask those who run it for a new one.
password-link-over = This link is not good any more
password-link-over-text = It was used, is older than an hour, or the password has been changed since. Ask for a new one.
password-forgot = Forgot your password?
password-forgot-text = Type your user name. If there is such an account with an e-mail address, a link is sent there by which you choose a new password.
password-send = Send the link
password-sent = Look into your mailbox
password-sent-text = If there is such an account, a link is on its way. It is good for an hour.
password-old-wrong = The old password is not right.
password-not-repeated = The new password was not typed the same twice.
password-short = The new password is too short: eight characters at least.
password-long = The new password is too long.
password-common = The new password is one that everybody tries first. Take another one.
password-own = The new password is your own name or address. Take another one.

## Consent
consent-title = { $client } asks for access
consent-account = You are signed in as { $user }.
consent-about = About { $client }
consent-scopes = This is what { $client } asks for
consent-required = required
consent-remember = Remember my choice
allow = Allow
deny = Deny
scope-openid = Know who you are
scope-profile = Your profile: name, picture and the like
scope-email = Your e-mail address
scope-address = Your postal address
scope-phone = Your telephone number
scope-offline_access = Access while you are away

## Devices
device = Connect a device
device-enter = Enter the code that your device shows.
device-code = Code
device-wrong = This code is not valid. Look at your device and try again.
device-throttled = Too many wrong codes. Wait a little and try again.
device-confirm-title = Connect { $client }?
device-confirm-text = Allow this only if your device shows exactly this code, and you asked for it yourself.
device-done = Device connected
device-done-text = { $client } is connected. You can close this page and go back to your device.
device-denied = Device refused
device-denied-text = { $client } was not connected. You can close this page.
continue = Continue

## Signed-in applications
grants = Signed-in applications
grants-text = These applications have access to your account.
grants-none = No application has access to your account.
grant-since = Since { $date }
grant-ends = Until { $date }
grant-revoke = Withdraw access
grant-revoke-of = Withdraw access of { $client }

## Between pages
one-moment = One moment
press-button = If nothing happens, press the button.
request = Request
error = Error
try-again = Try again

## Errors
refused = This request cannot be answered
refused-client = { $client } sent you here with a request that cannot be answered. Tell the people who run it.
refused-unknown = An application sent you here with a request that cannot be answered. Tell the people who run it.
problem-bad_request = This request cannot be read
problem-sign_in_required = Sign in first
    .detail = Your session has ended or you have not signed in.
problem-invalid_token = This access token is not accepted
    .detail = Get a new one from the identity server: { $what }.
problem-forbidden = You do not have access to this page
    .detail = This was refused by { $rule }. Ask the site's owner for a role that it admits, or sign in as somebody who has one.
problem-not_found = There is nothing here
problem-method_not_allowed = This address is not used that way
    .detail = Use one of: { $allow }.
problem-request_timeout = The request took too long to arrive
    .detail = Send it again; if it happens often, the connection is too slow.
problem-payload_too_large = The request is too large
    .detail = Send less.
problem-unsupported_media_type = This is not a form
    .detail = Send application/x-www-form-urlencoded.
problem-expectation_failed = This expectation cannot be met
    .detail = Only Expect: 100-continue is known here.
problem-unknown_host = This host is not declared here
    .detail = No site is declared for the host { $host }. Its owner adds it to the hostName of a site, or to the hosts of a listener, in conf/.
problem-too_many_requests = Too many requests
    .detail = Wait { $seconds } seconds and try again.
problem-uri_too_long = The request target is too long
    .detail = Ask for a shorter address: path and query together may have 16 KiB.
problem-headers_too_large = The request's headers are too large
    .detail = Clear this site's cookies and try again.
problem-not_implemented = This method is not supported
    .detail = Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.
problem-upstream_failed = The site did not answer properly
    .detail = The site behind this address could not be reached. Try again in a moment; if it lasts, tell its owner the request id below.
problem-upstream_timeout = The site took too long to answer
    .detail = The site behind this address is slow. Try again in a moment; if it lasts, tell its owner the request id below.
problem-unavailable = Not available at the moment
problem-sign_in_failed = The sign-in did not succeed
problem-internal = Something went wrong here
    .detail = Try again; if it lasts, tell the site's owner the request id below.

## Why a sign-in did not succeed
the-provider = The identity provider
reason-provider_down = { $provider } cannot be reached at the moment. Try again in a few minutes, or choose another way to sign in.
reason-provider_metadata = { $provider } does not describe itself as it is configured here. Its issuer, or the authority in conf/, has to be put right by the site's owner.
reason-cancelled = The sign-in was cancelled at { $provider }.
reason-provider_refused = { $provider } refused the sign-in. Try again; if it lasts, tell the site's owner the request id below.
reason-client_refused = { $provider } does not accept this gateway's client id or secret. The site's owner has to put the connection in conf/ right.
reason-code_refused = { $provider } did not redeem the sign-in. Start again.
reason-response_malformed = The answer of { $provider } cannot be understood. Start again.
reason-issuer_mismatch = The answer does not come from { $provider }. Nobody has been signed in; start again.
reason-token_invalid = What { $provider } says of you cannot be verified. Nobody has been signed in; tell the site's owner the request id below.
reason-userinfo_invalid = { $provider } gave contradictory answers about you. Nobody has been signed in; tell the site's owner the request id below.
reason-other_provider = { $provider } signed you in in another way than this site asks for. Sign out there and start again.
reason-other_organisation = The account that you chose at { $provider } is not one of the organisations that may sign in here. Start again with your work account.
reason-state_unknown = This answer belongs to no sign-in that was started here. Start again.
reason-state_expired = This sign-in took longer than ten minutes. Start again.
reason-state_used = This sign-in has been completed already. Start again.
reason-state_restarted = The gateway was restarted while you were signing in. Start again.
reason-state_other_browser = This sign-in was started in another browser, or this browser keeps no cookies of this site. Allow them and start again.
reason-state_changed = The connection to { $provider } was changed while you were signing in. Start again.
reason-not_mapped = { $provider } is not mapped to this site. The site's owner adds it to a mapEntry under federatedAuthentication/identityProvidersPerSites, and switches it on.
reason-session_over = Your session at { $provider } is over already. Sign out there, or check the clocks, and start again.
reason-form_foreign = This form was not opened in this browser, or this browser keeps no cookies of this site. Allow them and sign in again.
reason-user_disabled = This account has been switched off. Ask those who run this site.
reason-role_missing = { $provider } knows you, but you hold none of the roles that this site asks for. Ask its owner for one, and start again.
reason-email_taken = The e-mail address that { $provider } gives for you belongs to another account here. Sign in the way you usually do, or ask the site's owner.
reason-name_taken = The user name that { $provider } gives for you belongs to another account here. Tell the site's owner the request id below.
reason-issuer_changed = { $provider } is not the provider any more that your account here was made with. Tell the site's owner the request id below.
reason-identity_unlinked = Your sign-in with { $provider } does not belong to this account any more. Start again.
reason-store_down = The users of this site cannot be looked up at the moment. Try again in a few minutes.
reason-too_many_sessions = As many sessions are open as there may be. Sign out where you do not need one any more, and try again.
reason-question_over = This question has been answered already, or is too old. Start again.
reason-question_changed = The account has changed since you were asked about it. Start again.
reason-proof_too_old = It is too long ago that you signed in to your account. Sign in to it once more, and then with { $provider }.

## Questions on the way
whose-title = One account or two?
whose-user = You are signed in as { $user }.
whose-provider = You have just signed in with { $provider } too.
whose-identity = There you are { $identity }.
whose-text = Is that also you? If so, you can sign in to the same account either way from now on.
whose-same = Yes, use one account
whose-own = No, use an account of its own
room-title = Too many sessions
room-text = As many sessions are open as there may be.
room-provider = The oldest was begun with { $provider }.
room-since = It has been open since { $moment }.
room-take-over = End the oldest and continue
