## Signing in
sign-in = サインイン
sign-in-to = { $client } に進みます
user-name = ユーザー名
password = パスワード
remember = このデバイスでサインインしたままにする
forgot-password = パスワードをお忘れですか?
or = または
cancel = キャンセル
error-title = エラー: { $title }
no-way-in = このサイトにはサインインの方法が設定されていません。サイトの所有者が ID プロバイダーを割り当てる必要があります。
wrong-password = ユーザー名またはパスワードが正しくありません。
user-disabled = このアカウントは無効になっています。サイトの管理者にお問い合わせください。
user-locked = このアカウントのパスワードはロックされています。サイトの管理者にお問い合わせください。
throttled = パスワードの誤りが多すぎます。しばらく待ってからもう一度お試しください。
form-expired = このページを開いてから時間が経ちすぎました。もう一度サインインしてください。

## Signing out
sign-out = サインアウト
sign-out-title = サインアウトしますか?
sign-out-text = このブラウザーのセッションは終了します。
signed-out = サインアウト済み
signed-out-title = サインアウトしました
signed-out-text = ほかの人もこのデバイスを使う場合は、ブラウザーを閉じてください。
go-back = 戻る
go-back-to = { $client } に戻る

## Passwords
password-change = パスワードの変更
password-choose = 新しいパスワードの設定
password-changed = パスワードを変更しました
password-changed-text = ほかの場所ではすべてサインアウトしました。
password-account = アカウント { $user } のパスワードです。
password-rules = 8 文字以上にしてください。記号が多いものより、推測されにくい長いもののほうが安全です。
password-old = 現在のパスワード
password-new = 新しいパスワード
password-repeat = 新しいパスワード（もう一度）
password-save = 保存
password-elsewhere = パスワードは { $provider } で管理されています。そちらで変更してください。
password-configured = パスワードはこのゲートウェイの設定にあります。新しいパスワードは管理者に依頼してください。
password-link-over = このリンクは無効です
password-link-over-text = すでに使用されたか、1 時間以上経過したか、その後パスワードが変更されました。新しいリンクを依頼してください。
password-forgot = パスワードをお忘れですか?
password-forgot-text = ユーザー名を入力してください。メールアドレスのあるアカウントがあれば、新しいパスワードを設定するリンクを送信します。
password-send = リンクを送信
password-sent = メールを確認してください
password-sent-text = 該当するアカウントがあれば、リンクを送信しました。1 時間有効です。
password-old-wrong = 現在のパスワードが正しくありません。
password-not-repeated = 新しいパスワードが一致していません。
password-short = 新しいパスワードが短すぎます。8 文字以上にしてください。
password-long = 新しいパスワードが長すぎます。
password-common = よく使われるパスワードです。別のものにしてください。
password-own = ご自身の名前またはアドレスです。別のものにしてください。

## Consent
consent-title = { $client } がアクセスを求めています
consent-account = { $user } としてサインインしています。
consent-about = { $client } について
consent-scopes = { $client } が求めているもの
consent-required = 必須
consent-remember = この選択を記憶する
allow = 許可する
deny = 拒否する
scope-openid = あなたが誰であるか
scope-profile = プロフィール (名前、写真など)
scope-email = メールアドレス
scope-address = 住所
scope-phone = 電話番号
scope-offline_access = 不在時のアクセス

## Devices
device = デバイスの接続
device-enter = デバイスに表示されているコードを入力してください。
device-code = コード
device-wrong = このコードは無効です。デバイスを確認してもう一度お試しください。
device-throttled = コードの誤りが多すぎます。しばらく待ってからもう一度お試しください。
device-confirm-title = { $client } を接続しますか?
device-confirm-text = デバイスにこのコードがそのまま表示されていて、ご自身で要求した場合にだけ許可してください。
device-done = デバイスを接続しました
device-done-text = { $client } を接続しました。このページを閉じてデバイスに戻ることができます。
device-denied = デバイスを拒否しました
device-denied-text = { $client } は接続されませんでした。このページを閉じることができます。
continue = 続ける

## Signed-in applications
grants = サインイン中のアプリケーション
grants-text = これらのアプリケーションは、あなたのアカウントにアクセスできます。
grants-none = あなたのアカウントにアクセスできるアプリケーションはありません。
grant-since = { $date } から
grant-ends = { $date } まで
grant-revoke = アクセスを取り消す
grant-revoke-of = { $client } のアクセスを取り消す

## Between pages
one-moment = お待ちください
press-button = 何も起こらない場合は、ボタンを押してください。
request = リクエスト
error = エラー
try-again = もう一度試す

## Errors
refused = このリクエストには応答できません
refused-client = { $client } からのリクエストには応答できません。その運営者にお知らせください。
refused-unknown = アプリケーションからのリクエストには応答できません。その運営者にお知らせください。
problem-bad_request = このリクエストは読み取れません
problem-sign_in_required = 先にサインインしてください
    .detail = セッションが終了したか、まだサインインしていません。
problem-invalid_token = このアクセストークンは受け付けられません
    .detail = ID サーバーから新しいトークンを取得してください: { $what }
problem-forbidden = このページにアクセスする権限がありません
    .detail = { $rule } により拒否されました。許可されているロールをサイトの所有者に求めるか、そのロールを持つユーザーとしてサインインしてください。
problem-not_found = ここには何もありません
problem-method_not_allowed = このアドレスはそのようには使えません
    .detail = 次のいずれかを使ってください: { $allow }
problem-request_timeout = リクエストの到着に時間がかかりすぎました
    .detail = もう一度送信してください。頻繁に起こる場合は、接続が遅すぎます。
problem-payload_too_large = リクエストが大きすぎます
    .detail = 送信する量を減らしてください。
problem-unsupported_media_type = これはフォームではありません
    .detail = application/x-www-form-urlencoded で送信してください。
problem-expectation_failed = この要求は満たせません
    .detail = Expect: 100-continue だけに対応しています。
problem-unknown_host = このホストは登録されていません
    .detail = ホスト { $host } のサイトは登録されていません。所有者が conf/ でサイトの hostName またはリスナーの hosts に追加します。
problem-too_many_requests = リクエストが多すぎます
    .detail = { $seconds } 秒待ってからもう一度お試しください。
problem-uri_too_long = リクエストのアドレスが長すぎます
    .detail = 短いアドレスを使ってください。パスとクエリを合わせて 16 KiB までです。
problem-headers_too_large = リクエストのヘッダーが大きすぎます
    .detail = このサイトの Cookie を削除してもう一度お試しください。
problem-not_implemented = このメソッドには対応していません
    .detail = GET、HEAD、POST、PUT、PATCH、DELETE、OPTIONS のいずれかを使ってください。
problem-upstream_failed = サイトが正しく応答しませんでした
    .detail = このアドレスの先のサイトに接続できませんでした。しばらくしてからもう一度お試しください。続く場合は、下のリクエスト ID を所有者にお知らせください。
problem-upstream_timeout = サイトの応答に時間がかかりすぎました
    .detail = このアドレスの先のサイトの応答が遅れています。しばらくしてからもう一度お試しください。続く場合は、下のリクエスト ID を所有者にお知らせください。
problem-unavailable = 現在利用できません
problem-sign_in_failed = サインインできませんでした
problem-internal = 問題が発生しました
    .detail = もう一度お試しください。続く場合は、下のリクエスト ID をサイトの所有者にお知らせください。

## Why a sign-in did not succeed
the-provider = ID プロバイダー
reason-provider_down = 現在 { $provider } に接続できません。数分後にもう一度試すか、別の方法でサインインしてください。
reason-provider_metadata = { $provider } の情報がここでの設定と一致しません。サイトの所有者が issuer または conf/ の authority を修正する必要があります。
reason-cancelled = サインインは { $provider } でキャンセルされました。
reason-provider_refused = { $provider } がサインインを拒否しました。もう一度お試しください。続く場合は、下のリクエスト ID をサイトの所有者にお知らせください。
reason-client_refused = { $provider } がこのゲートウェイのクライアント ID またはシークレットを受け付けません。サイトの所有者が conf/ の接続を修正する必要があります。
reason-code_refused = { $provider } がサインインを完了しませんでした。最初からやり直してください。
reason-response_malformed = { $provider } の応答を理解できません。最初からやり直してください。
reason-issuer_mismatch = この応答は { $provider } からのものではありません。誰もサインインしていません。最初からやり直してください。
reason-token_invalid = { $provider } が伝えたあなたの情報を検証できません。誰もサインインしていません。下のリクエスト ID をサイトの所有者にお知らせください。
reason-userinfo_invalid = { $provider } が伝えたあなたの情報に矛盾があります。誰もサインインしていません。下のリクエスト ID をサイトの所有者にお知らせください。
reason-other_provider = { $provider } は、このサイトが求めるものとは別の方法でサインインしました。そこでサインアウトしてから、最初からやり直してください。
reason-other_organisation = { $provider } で選んだアカウントは、ここへのサインインが許可されている組織のものではありません。職場のアカウントで最初からやり直してください。
reason-state_unknown = この応答は、ここで始めたサインインのものではありません。最初からやり直してください。
reason-state_expired = このサインインには 10 分以上かかりました。最初からやり直してください。
reason-state_used = このサインインはすでに完了しています。最初からやり直してください。
reason-state_restarted = サインイン中にゲートウェイが再起動しました。最初からやり直してください。
reason-state_other_browser = このサインインは別のブラウザーで始められたか、このブラウザーがこのサイトの Cookie を保存していません。Cookie を許可して最初からやり直してください。
reason-state_changed = サインイン中に { $provider } への接続が変更されました。最初からやり直してください。
reason-not_mapped = { $provider } はこのサイトに割り当てられていません。サイトの所有者が federatedAuthentication/identityProvidersPerSites の mapEntry に追加して有効にします。
reason-session_over = { $provider } でのセッションはすでに終了しています。そこでサインアウトするか時計を確認して、最初からやり直してください。
reason-form_foreign = このフォームはこのブラウザーで開かれていないか、このブラウザーがこのサイトの Cookie を保存していません。Cookie を許可してもう一度サインインしてください。
reason-user_disabled = このアカウントは無効になっています。サイトの管理者にお問い合わせください。
reason-role_missing = { $provider } はあなたを確認しましたが、このサイトが求めるロールを一つも持っていません。所有者にロールを依頼し、最初からやり直してください。
reason-email_taken = { $provider } が示したあなたのメールアドレスは、ここでは別のアカウントのものです。いつもの方法でサインインするか、サイトの所有者に問い合わせてください。
reason-name_taken = { $provider } が示したあなたのユーザー名は、ここでは別のアカウントのものです。下のリクエスト ID をサイトの所有者に伝えてください。
reason-issuer_changed = { $provider } は、ここでのアカウントを作成したときのプロバイダーではなくなりました。下のリクエスト ID をサイトの所有者に伝えてください。
reason-identity_unlinked = { $provider } でのサインインは、もうこのアカウントのものではありません。最初からやり直してください。
reason-store_down = 現在、このサイトのユーザーを参照できません。数分後にもう一度お試しください。
reason-too_many_sessions = 開いているセッションの数が上限に達しています。不要なセッションからサインアウトして、もう一度お試しください。
reason-question_over = この質問にはすでに回答があるか、時間が経ちすぎています。最初からやり直してください。
reason-question_changed = 質問が表示された後にアカウントが変更されました。最初からやり直してください。
reason-proof_too_old = アカウントにサインインしてから時間が経ちすぎています。もう一度サインインしてから、{ $provider } でサインインしてください。

## 途中の質問
whose-title = アカウントは一つですか、二つですか
whose-user = { $user } としてサインインしています。
whose-provider = 今、{ $provider } でもサインインしました。
whose-identity = そこでのアカウント: { $identity }
whose-text = どちらもご本人ですか。そうであれば、今後はどちらの方法でも同じアカウントにサインインできます。
whose-same = はい、一つのアカウントを使う
whose-own = いいえ、別のアカウントを使う
room-title = セッションが多すぎます
room-text = 開いているセッションの数が上限に達しています。
room-provider = 最も古いセッションは { $provider } で始まりました。
room-since = { $moment } から開いています。
room-take-over = 最も古いセッションを終了して続ける
