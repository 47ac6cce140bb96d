## Signing in
sign-in = Se connecter
sign-in-to = pour continuer vers { $client }
user-name = Nom d’utilisateur
password = Mot de passe
remember = Rester connecté sur cet appareil
forgot-password = Mot de passe oublié ?
or = ou
cancel = Annuler
error-title = Erreur : { $title }
no-way-in = Aucun moyen de connexion n’est configuré pour ce site. Son propriétaire doit lui associer un fournisseur d’identité.
wrong-password = Le nom ou le mot de passe est incorrect.
user-disabled = Ce compte a été désactivé. Adressez-vous aux responsables de ce site.
user-locked = Le mot de passe de ce compte est bloqué. Adressez-vous aux responsables de ce site.
throttled = Trop de mots de passe erronés. Attendez un peu, puis réessayez.
form-expired = Cette page est restée ouverte trop longtemps. Reconnectez-vous.

## Signing out
sign-out = Se déconnecter
sign-out-title = Se déconnecter ?
sign-out-text = Votre session dans ce navigateur prendra fin.
signed-out = Déconnecté
signed-out-title = Vous êtes déconnecté
signed-out-text = Fermez le navigateur si d’autres personnes utilisent cet appareil.
go-back = Retour
go-back-to = Retour vers { $client }

## Passwords
password-change = Changer de mot de passe
password-choose = Choisir un nouveau mot de passe
password-changed = Votre mot de passe a été changé
password-changed-text = Partout ailleurs, vous êtes déconnecté.
password-account = Il s’agit du compte { $user }.
password-rules = Prenez huit caractères ou plus. Un long mot de passe que personne ne devine vaut mieux qu’un autre plein de signes.
password-old = Ancien mot de passe
password-new = Nouveau mot de passe
password-repeat = Nouveau mot de passe encore une fois
password-save = Enregistrer
password-elsewhere = Votre mot de passe se trouve chez { $provider }. Changez-le là-bas.
password-configured = Votre mot de passe se trouve dans la configuration de cette passerelle. Demandez-en un nouveau à ses responsables.
password-link-over = Ce lien n’est plus valable
password-link-over-text = Il a été utilisé, date de plus d’une heure, ou le mot de passe a été changé depuis. Demandez-en un nouveau.
password-forgot = Mot de passe oublié ?
password-forgot-text = Saisissez votre nom d’utilisateur. S’il existe un tel compte avec une adresse e-mail, un lien y est envoyé pour choisir un nouveau mot de passe.
password-send = Envoyer le lien
password-sent = Regardez dans votre messagerie
password-sent-text = S’il existe un tel compte, un lien est en route. Il est valable une heure.
password-old-wrong = L’ancien mot de passe n’est pas le bon.
password-not-repeated = Le nouveau mot de passe n’a pas été saisi deux fois à l’identique.
password-short = Le nouveau mot de passe est trop court : huit caractères au moins.
password-long = Le nouveau mot de passe est trop long.
password-common = Le nouveau mot de passe est de ceux que tout le monde essaie d’abord. Prenez-en un autre.
password-own = Le nouveau mot de passe est votre propre nom ou adresse. Prenez-en un autre.

## Consent
consent-title = { $client } demande un accès
consent-account = Vous êtes connecté en tant que { $user }.
consent-about = À propos de { $client }
consent-scopes = Voici ce que demande { $client }
consent-required = obligatoire
consent-remember = Mémoriser mon choix
allow = Autoriser
deny = Refuser
scope-openid = Savoir qui vous êtes
scope-profile = Votre profil : nom, photo, etc.
scope-email = Votre adresse e-mail
scope-address = Votre adresse postale
scope-phone = Votre numéro de téléphone
scope-offline_access = Un accès en votre absence

## Devices
device = Connecter un appareil
device-enter = Saisissez le code affiché par votre appareil.
device-code = Code
device-wrong = Ce code n’est pas valide. Regardez votre appareil et réessayez.
device-throttled = Trop de codes erronés. Attendez un peu, puis réessayez.
device-confirm-title = Connecter { $client } ?
device-confirm-text = N’autorisez que si votre appareil affiche exactement ce code et si la demande vient de vous.
device-done = Appareil connecté
device-done-text = { $client } est connecté. Vous pouvez fermer cette page et revenir à votre appareil.
device-denied = Appareil refusé
device-denied-text = { $client } n’a pas été connecté. Vous pouvez fermer cette page.
continue = Continuer

## Signed-in applications
grants = Applications connectées
grants-text = Ces applications ont accès à votre compte.
grants-none = Aucune application n’a accès à votre compte.
grant-since = Depuis le { $date }
grant-ends = Jusqu’au { $date }
grant-revoke = Retirer l’accès
grant-revoke-of = Retirer l’accès de { $client }

## Between pages
one-moment = Un instant
press-button = Si rien ne se passe, appuyez sur le bouton.
request = Requête
error = Erreur
try-again = Réessayer

## Errors
refused = Cette requête ne peut pas recevoir de réponse
refused-client = { $client } vous a envoyé ici avec une requête qui ne peut pas recevoir de réponse. Signalez-le à ses responsables.
refused-unknown = Une application vous a envoyé ici avec une requête qui ne peut pas recevoir de réponse. Signalez-le à ses responsables.
problem-bad_request = Cette requête est illisible
problem-sign_in_required = Connectez-vous d’abord
    .detail = Votre session est terminée ou vous ne vous êtes pas connecté.
problem-invalid_token = Ce jeton d’accès n’est pas accepté
    .detail = Demandez-en un nouveau au serveur d’identité : { $what }.
problem-forbidden = Vous n’avez pas accès à cette page
    .detail = Refusé par { $rule }. Demandez au propriétaire du site un rôle qui y donne accès, ou connectez-vous avec un compte qui l’a.
problem-not_found = Il n’y a rien ici
problem-method_not_allowed = Cette adresse ne s’utilise pas ainsi
    .detail = Utilisez l’une de ces méthodes : { $allow }.
problem-request_timeout = La requête a mis trop de temps à arriver
    .detail = Renvoyez-la. Si cela se répète, la connexion est trop lente.
problem-payload_too_large = La requête est trop volumineuse
    .detail = Envoyez moins de données.
problem-unsupported_media_type = Ceci n’est pas un formulaire
    .detail = Envoyez application/x-www-form-urlencoded.
problem-expectation_failed = Cette attente ne peut pas être satisfaite
    .detail = Seul Expect: 100-continue est connu ici.
problem-unknown_host = Cet hôte n’est pas déclaré ici
    .detail = Aucun site n’est déclaré pour l’hôte { $host }. Son propriétaire l’ajoute au hostName d’un site ou aux hosts d’un listener, dans conf/.
problem-too_many_requests = Trop de requêtes
    .detail = Attendez { $seconds } secondes, puis réessayez.
problem-uri_too_long = L’adresse de la requête est trop longue
    .detail = Utilisez une adresse plus courte : chemin et paramètres peuvent faire 16 Kio ensemble.
problem-headers_too_large = Les en-têtes de la requête sont trop volumineux
    .detail = Effacez les cookies de ce site et réessayez.
problem-not_implemented = Cette méthode n’est pas prise en charge
    .detail = Utilisez GET, HEAD, POST, PUT, PATCH, DELETE ou OPTIONS.
problem-upstream_failed = Le site n’a pas répondu correctement
    .detail = Le site derrière cette adresse est injoignable. Réessayez dans un instant. Si cela persiste, donnez à son propriétaire le numéro de requête ci-dessous.
problem-upstream_timeout = Le site a mis trop de temps à répondre
    .detail = Le site derrière cette adresse est lent. Réessayez dans un instant. Si cela persiste, donnez à son propriétaire le numéro de requête ci-dessous.
problem-unavailable = Indisponible pour le moment
problem-sign_in_failed = La connexion n’a pas abouti
problem-internal = Une erreur s’est produite ici
    .detail = Réessayez. Si cela persiste, donnez au propriétaire du site le numéro de requête ci-dessous.

## Why a sign-in did not succeed
the-provider = Le fournisseur d’identité
reason-provider_down = { $provider } est injoignable pour le moment. Réessayez dans quelques minutes ou connectez-vous autrement.
reason-provider_metadata = { $provider } ne se décrit pas comme il est configuré ici. Le propriétaire du site doit corriger son issuer, ou l’authority dans conf/.
reason-cancelled = La connexion a été annulée chez { $provider }.
reason-provider_refused = { $provider } a refusé la connexion. Réessayez. Si cela persiste, donnez au propriétaire du site le numéro de requête ci-dessous.
reason-client_refused = { $provider } n’accepte pas l’identifiant client ou le secret de cette passerelle. Le propriétaire du site doit corriger la connexion dans conf/.
reason-code_refused = { $provider } n’a pas validé la connexion. Recommencez.
reason-response_malformed = La réponse de { $provider } est incompréhensible. Recommencez.
reason-issuer_mismatch = La réponse ne vient pas de { $provider }. Personne n’a été connecté. Recommencez.
reason-token_invalid = Ce que { $provider } dit de vous ne peut pas être vérifié. Personne n’a été connecté. Donnez au propriétaire du site le numéro de requête ci-dessous.
reason-userinfo_invalid = { $provider } a donné des réponses contradictoires à votre sujet. Personne n’a été connecté. Donnez au propriétaire du site le numéro de requête ci-dessous.
reason-other_provider = { $provider } vous a connecté autrement que ce site ne le demande. Déconnectez-vous là-bas et recommencez.
reason-other_organisation = Le compte que vous avez choisi chez { $provider } n’appartient à aucune organisation autorisée à se connecter ici. Recommencez avec votre compte professionnel.
reason-state_unknown = Cette réponse ne correspond à aucune connexion commencée ici. Recommencez.
reason-state_expired = Cette connexion a pris plus de dix minutes. Recommencez.
reason-state_used = Cette connexion est déjà terminée. Recommencez.
reason-state_restarted = La passerelle a redémarré pendant votre connexion. Recommencez.
reason-state_other_browser = Cette connexion a été commencée dans un autre navigateur, ou ce navigateur ne garde pas les cookies de ce site. Autorisez-les et recommencez.
reason-state_changed = La connexion à { $provider } a été modifiée pendant que vous vous connectiez. Recommencez.
reason-not_mapped = { $provider } n’est pas associé à ce site. Le propriétaire du site l’ajoute à une mapEntry sous federatedAuthentication/identityProvidersPerSites et l’active.
reason-session_over = Votre session chez { $provider } est déjà terminée. Déconnectez-vous là-bas ou vérifiez les horloges, puis recommencez.
reason-form_foreign = Ce formulaire n’a pas été ouvert dans ce navigateur, ou ce navigateur ne garde pas les cookies de ce site. Autorisez-les et reconnectez-vous.
reason-user_disabled = Ce compte a été désactivé. Adressez-vous aux responsables de ce site.
reason-role_missing = { $provider } vous connaît, mais vous n'avez aucun des rôles que ce site exige. Demandez-en un à son propriétaire et recommencez.
reason-email_taken = L'adresse e-mail que { $provider } donne pour vous appartient ici à un autre compte. Connectez-vous comme d'habitude ou adressez-vous au propriétaire du site.
reason-name_taken = Le nom d'utilisateur que { $provider } donne pour vous appartient ici à un autre compte. Indiquez au propriétaire du site l'identifiant de requête ci-dessous.
reason-issuer_changed = { $provider } n'est plus le fournisseur avec lequel votre compte a été créé ici. Indiquez au propriétaire du site l'identifiant de requête ci-dessous.
reason-identity_unlinked = Votre connexion avec { $provider } n'appartient plus à ce compte. Recommencez.
reason-store_down = Les utilisateurs de ce site ne peuvent pas être consultés pour le moment. Réessayez dans quelques minutes.
reason-too_many_sessions = Le nombre maximal de sessions est atteint. Déconnectez-vous là où vous n'en avez plus besoin et réessayez.
reason-question_over = Cette question a déjà reçu une réponse ou est trop ancienne. Recommencez.
reason-question_changed = Le compte a changé depuis que la question vous a été posée. Recommencez.
reason-proof_too_old = Votre connexion à votre compte est trop ancienne. Connectez-vous-y de nouveau, puis avec { $provider }.

## Questions en chemin
whose-title = Un compte ou deux ?
whose-user = Vous êtes connecté en tant que { $user }.
whose-provider = Vous venez aussi de vous connecter avec { $provider }.
whose-identity = Vous y êtes { $identity }.
whose-text = Est-ce aussi vous ? Dans ce cas, vous pourrez désormais vous connecter au même compte des deux façons.
whose-same = Oui, utiliser un seul compte
whose-own = Non, utiliser un compte distinct
room-title = Trop de sessions
room-text = Le nombre maximal de sessions est atteint.
room-provider = La plus ancienne a été ouverte avec { $provider }.
room-since = Elle est ouverte depuis le { $moment }.
room-take-over = Fermer la plus ancienne et continuer
