// The words of the CAPTCHA API, in the languages that AWS's has.
window.fastnessWAFWords = {
  "ar-SA": {
    name: "العربية", dir: "rtl", title: "أكِّد أنك إنسان", picture: "صورة فيها {letters} أحرف مشوهة. إذا لم تتمكن من رؤيتها فاستخدم الصوت أدناه.",
    listen: "أو استمع: هناك {digits} مجموعات من النغمات تفصل بينها وقفات. عُدَّ النغمات العالية في كل مجموعة وتجاهل المنخفضة، ثم أدخل الأرقام {digits}، وكل منها من 1 إلى {max}، واحدًا تلو الآخر.",
    label: "أحرف الصورة ({letters}) أو أرقام الصوت ({digits})", send: "متابعة", another: "أحجية أخرى", language: "اللغة",
    wrong: "الإجابة غير صحيحة. يرجى المحاولة مرة أخرى.", expired: "انتهت صلاحية الأحجية. اختر أحجية أخرى.", solved: "إجابة صحيحة.",
  },
  "de-DE": {
    name: "Deutsch", title: "Bestätigen Sie, dass Sie ein Mensch sind", picture: "Ein Bild mit {letters} verzerrten Buchstaben. Wenn Sie es nicht sehen können, nutzen Sie den Ton darunter.",
    listen: "Oder hören Sie zu: Es gibt {digits} Gruppen von Tönen mit Pausen dazwischen. Zählen Sie in jeder Gruppe die hohen Töne, lassen Sie die tiefen weg, und geben Sie die {digits} Zahlen von 1 bis {max} nacheinander ein.",
    label: "Die {letters} Buchstaben des Bildes oder die {digits} Zahlen des Tons", send: "Weiter", another: "Ein anderes Rätsel", language: "Sprache",
    wrong: "Das war nicht richtig. Bitte versuchen Sie ein anderes.", expired: "Die Zeit für dieses Rätsel ist abgelaufen. Bitte nehmen Sie ein anderes.", solved: "Das war richtig.",
  },
  "en-US": {
    name: "English", title: "Confirm that you are human", picture: "A picture of {letters} distorted letters. If you cannot see it, use the sound below.",
    listen: "Or listen: there are {digits} groups of tones with a pause after each. Count the high tones of each group, leave out the low ones, and enter the {digits} numbers, each 1 to {max}, one after the other.",
    label: "The {letters} letters of the picture, or the {digits} numbers of the sound", send: "Continue", another: "Another puzzle", language: "Language",
    wrong: "That was not right. Please try another one.", expired: "The time for this puzzle is over. Please take another one.", solved: "That was right.",
  },
  "es-ES": {
    name: "Español", title: "Confirme que es una persona", picture: "Una imagen de {letters} letras deformadas. Si no puede verla, use el sonido de abajo.",
    listen: "O escuche: hay {digits} grupos de tonos con una pausa después de cada uno. Cuente los tonos agudos de cada grupo, omita los graves, e introduzca los {digits} números, de 1 a {max}, uno tras otro.",
    label: "Las {letters} letras de la imagen o los {digits} números del sonido", send: "Continuar", another: "Otro puzle", language: "Idioma",
    wrong: "No es correcto. Inténtelo con otro.", expired: "Se acabó el tiempo de este puzle. Elija otro.", solved: "Es correcto.",
  },
  "fr-FR": {
    name: "Français", title: "Confirmez que vous êtes humain", picture: "Une image de {letters} lettres déformées. Si vous ne la voyez pas, utilisez le son ci-dessous.",
    listen: "Ou écoutez : il y a {digits} groupes de sons, avec une pause après chacun. Comptez les sons aigus de chaque groupe, ignorez les graves, et saisissez les {digits} nombres, de 1 à {max}, l’un après l’autre.",
    label: "Les {letters} lettres de l’image ou les {digits} nombres du son", send: "Continuer", another: "Une autre énigme", language: "Langue",
    wrong: "Ce n’est pas exact. Essayez-en une autre.", expired: "Le temps est écoulé. Prenez une autre énigme.", solved: "C’est exact.",
  },
  "it-IT": {
    name: "Italiano", title: "Conferma di essere una persona", picture: "Un’immagine di {letters} lettere deformate. Se non riesci a vederla, usa l’audio qui sotto.",
    listen: "Oppure ascolta: ci sono {digits} gruppi di toni con una pausa dopo ciascuno. Conta i toni acuti di ogni gruppo, tralascia quelli gravi, e inserisci i {digits} numeri, da 1 a {max}, uno dopo l’altro.",
    label: "Le {letters} lettere dell’immagine o i {digits} numeri dell’audio", send: "Continua", another: "Un altro puzzle", language: "Lingua",
    wrong: "Non è corretto. Provane un altro.", expired: "Il tempo per questo puzzle è scaduto. Prendine un altro.", solved: "È corretto.",
  },
  "ja-JP": {
    name: "日本語", title: "人間であることを確認してください", picture: "ゆがんだ {letters} 文字の画像。見えない場合は下の音声を使ってください。",
    listen: "または音声を聞いてください。{digits} 組の音が間をおいて流れます。各組の高い音だけを数え、低い音は数えずに、1 から {max} までの数字 {digits} 個を順に入力してください。",
    label: "画像の {letters} 文字、または音声の数字 {digits} 個", send: "続ける", another: "別のパズル", language: "言語",
    wrong: "正しくありません。別のパズルをお試しください。", expired: "パズルの制限時間が過ぎました。別のパズルを選んでください。", solved: "正解です。",
  },
  "nl-NL": {
    name: "Nederlands", title: "Bevestig dat u een mens bent", picture: "Een afbeelding van {letters} vervormde letters. Als u die niet kunt zien, gebruik dan het geluid hieronder.",
    listen: "Of luister: er zijn {digits} groepen tonen met een pauze na elke groep. Tel de hoge tonen van elke groep, laat de lage weg, en voer de {digits} getallen van 1 tot {max} achter elkaar in.",
    label: "De {letters} letters van de afbeelding of de {digits} getallen van het geluid", send: "Doorgaan", another: "Een andere puzzel", language: "Taal",
    wrong: "Dat was niet juist. Probeer een andere.", expired: "De tijd voor deze puzzel is voorbij. Neem een andere.", solved: "Dat was juist.",
  },
  "pt-BR": {
    name: "Português", title: "Confirme que você é humano", picture: "Uma imagem de {letters} letras distorcidas. Se não puder vê-la, use o som abaixo.",
    listen: "Ou ouça: há {digits} grupos de tons com uma pausa depois de cada um. Conte os tons agudos de cada grupo, ignore os graves, e digite os {digits} números, de 1 a {max}, um após o outro.",
    label: "As {letters} letras da imagem ou os {digits} números do som", send: "Continuar", another: "Outro desafio", language: "Idioma",
    wrong: "Não está correto. Tente outro.", expired: "O tempo deste desafio acabou. Escolha outro.", solved: "Está correto.",
  },
  "tr-TR": {
    name: "Türkçe", title: "İnsan olduğunuzu doğrulayın", picture: "{letters} bozulmuş harfin resmi. Göremiyorsanız aşağıdaki sesi kullanın.",
    listen: "Ya da dinleyin: her birinden sonra duraklama olan {digits} grup ses vardır. Her gruptaki tiz sesleri sayın, pes sesleri saymayın ve 1 ile {max} arasındaki {digits} sayıyı art arda girin.",
    label: "Resimdeki {letters} harf veya sesteki {digits} sayı", send: "Devam", another: "Başka bir bulmaca", language: "Dil",
    wrong: "Doğru değil. Lütfen başka birini deneyin.", expired: "Bu bulmacanın süresi doldu. Lütfen başka birini alın.", solved: "Doğru.",
  },
  "zh-CN": {
    name: "简体中文", title: "请确认您是真人", picture: "一张有 {letters} 个变形字母的图片。如果看不清，请使用下面的声音。",
    listen: "或者听声音：共有 {digits} 组音，每组之后有停顿。请数出每组中的高音，忽略低音，然后依次输入 {digits} 个数字，每个为 1 到 {max}。",
    label: "图片中的 {letters} 个字母，或声音中的 {digits} 个数字", send: "继续", another: "换一个", language: "语言",
    wrong: "回答不正确，请再试一个。", expired: "此谜题已过期，请换一个。", solved: "回答正确。",
  },
};
