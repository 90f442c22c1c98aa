"""What languages are called."""

_LANGUAGES = {
    "ar": "Arabic",
    "cmn": "Mandarin",
    "cs": "Czech",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
}


def language_name(language: str) -> str:
    """The English name of a language by its ISO 639 code; any other word as it is."""
    return _LANGUAGES.get(language, language or "one language")
