"""The compare page in Streamlit's own test harness, how two models agree, and links to what pages show."""

import io

import pandas as pd
import pytest
from sacrebleu.metrics import BLEU, CHRF
from streamlit.testing.v1 import AppTest

from apps.serving import registry
from apps.serving.writing import write
from apps.studio import agreement, compare_readings, tables, translation_csv
from apps.studio.settings import MAX_CHARACTERS

from .conftest import APP, export_words_model

PAGE = "scripts/compare.py"
CSV = "text,gold\ngood,<b>great</b>\ndull,awful\nfine,<B>great</B> \nfine day,awful\n,awful\nwho knows,=odd\n"


@pytest.fixture(scope="module")
def pair(gallery, tmp_path_factory):
    """Two classifiers, which differ in the word "fine"; two writers; two translators; one of another sort."""
    directory = tmp_path_factory.mktemp("pair")
    export_words_model(directory, name="first")
    export_words_model(directory, name="second", good=["good", "great", "fine"])
    return gallery.copy(directory, "writer", "poet", "interpreter", "linguist")


@pytest.fixture
def folder(pair, monkeypatch):
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(pair))
    return pair


def _open(page=PAGE, **link):
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    for name, value in link.items():
        app.query_params[name] = value
    app.switch_page(page).run()
    assert not app.exception
    return app


def _html(app):
    return "\n".join(element.proto.body for element in app.get("html"))


def _address(app, name):
    """What stands in the address; the harness has some values as they were set and some in lists."""
    value = app.query_params[name]
    return value[0] if isinstance(value, list) else value


def _task(app, task):
    app.button_group(key="compare_task").set_value(task).run()
    assert not app.exception
    return app


def test_no_model_and_one_model_say_what_to_do(tmp_path, models, monkeypatch):
    app = _open()
    assert "comparing needs two" in app.info[0].value
    assert "keras-seq export sentiment" in app.code[0].value
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, str(tmp_path))
    assert "keras-seq train sentiment" in _open().code[0].value


def test_two_verdicts_side_by_side(folder):
    app = _open()
    app.text_area(key="compare_text_sentiment").set_value("A fine <i>day</i>, not dull").run()
    html = _html(app)
    assert "disagree: <b>awful</b> against <b>so &amp; so</b>" in html
    assert html.count('class="verdict-label"') == 2
    assert "<i>day" not in html
    app.text_area(key="compare_text_sentiment").set_value("good").run()
    assert "Both say <b>&lt;b&gt;great&lt;/b&gt;</b>" in _html(app)
    app.selectbox(key="compare_second").set_value("first/1").run()
    assert "one model twice" in app.info[0].value


def test_empty_and_too_long_are_one_line(folder):
    app = _open()
    app.text_area(key="compare_text_sentiment").set_value("  ").run()
    assert [line.value for line in app.info] == ["Write or paste a text first."]
    app.text_area(key="compare_text_sentiment").set_value("x" * (MAX_CHARACTERS + 1)).run()
    assert f"{MAX_CHARACTERS + 1:,} characters" in app.warning[0].value


def test_file_with_labels(folder):
    app = _open()
    app.button_group(key="compare_mode").set_value("A CSV file").run()
    app.file_uploader(key="compare_file").upload("mine.csv", CSV.encode(), "text/csv").run()
    assert app.selectbox(key="compare_labels").value == "gold"
    app.button(key="compare_start").click().run()
    assert not app.exception
    html = _html(app)
    # Of the four texts with a known label the first has two right, the second "fine" as well; it knows no "fine day".
    assert html.count("<b>50.00 %</b>") == 1
    assert html.count("<b>75.00 %</b>") == 1
    assert "<b>60.00 %</b><span>the same verdict, of 5 texts</span>" in html
    assert 'class="matrix"' in html
    table = app.dataframe[0].value
    assert table["agree"].tolist() == ["no", "no", "yes", "yes", "yes", ""]
    assert set(table["text"][:2]) == {"fine", "fine day"}
    assert table.set_index("text")["right"].to_dict() == {
        "fine": "second",
        "fine day": "neither",
        "good": "both",
        "dull": "both",
        "": "",
        "who knows": "",
    }
    assert any("neither model knows" in caption.value for caption in app.caption)
    app.selectbox(key="compare_labels").set_value("(no labels)").run()
    assert "accuracy" not in _html(app)


def test_labels_that_no_model_knows(folder):
    app = _open()
    app.button_group(key="compare_mode").set_value("A CSV file").run()
    app.file_uploader(key="compare_file").upload("mine.csv", b"text,label\ngood,1\nbad,0\n", "text/csv").run()
    app.button(key="compare_start").click().run()
    assert "No label of that column is one of: awful, so &amp; so" in _html(app)


def test_two_writers(folder):
    app = _task(_open(), "text_generation")
    app.text_area(key="compare_text_text_generation").set_value("a cab").run()
    app.number_input(key="tokens_a").set_value(9)
    next(button for button in app.button if button.label == "Write both").click().run()
    assert not app.exception
    html = _html(app)
    for name in ("poet", "writer"):
        text = "".join(write(registry.load(registry.find(name, folder)), "a cab", 0.8, 0, 1.0, 9, 1))
        assert f"</span>{text}</div>" in html


def test_two_translators(folder):
    app = _task(_open(), "translation")
    app.text_area(key="compare_text_translation").set_value("a bad cab").run()
    assert not app.exception
    assert _html(app).count('class="translation"') == 2


def _with_file(task, key, content):
    app = _task(_open(), task)
    app.button_group(key="compare_mode").set_value("A CSV file").run()
    app.file_uploader(key=key).upload("mine.csv", content.encode(), "text/csv").run()
    assert not app.exception
    return app


def _compare(app):
    next(button for button in app.button if button.label == "Compare").click().run()
    assert not app.exception
    assert not app.error
    return app


def test_file_of_sentences_through_two_translators(folder, monkeypatch):
    monkeypatch.setattr(translation_csv, "MAX_SENTENCE_CHARACTERS", 10)
    texts = ["a bad cab", "", "bead", "a bad cab here"]
    rows = "".join(f"{text},{reference}\n" for text, reference in zip(texts, ["a bad cab", "x", "", "=a"], strict=True))
    app = _compare(_with_file("translation", "compare_pairs", f"text,Reference\n{rows}"))
    assert app.selectbox(key="compare_references").value == "Reference"
    names = ("interpreter/1", "linguist/1")
    expected = [
        dict(
            zip(
                texts,
                translation_csv.translations(registry.load(registry.find(name, folder)), pd.Series(texts)),
                strict=True,
            )
        )
        for name in names
    ]
    table = app.dataframe[0].value
    found = table.set_index("text")
    for name, known in zip(names, expected, strict=True):
        assert found[name].to_dict() == known
        references = ["a bad cab", "x", "=a"]
        outputs = [known[text] for text in texts if text != "bead"]
        for metric, figures in ((BLEU(), "BLEU"), (CHRF(), "chrF")):
            score = metric.corpus_score(outputs, [references]).score
            assert f"<b>{score:.2f}</b><span>{figures}, {name}</span>" in _html(app)
    assert found["agree"].to_dict() == {
        text: "yes" if expected[0][text] == expected[1][text] else "no" for text in texts
    }
    assert table["agree"].tolist() == sorted(table["agree"])  # "no" before "yes"
    captions = " ".join(caption.value for caption in app.caption)
    assert "the rest is left out: 1." in captions
    assert "count for neither figure: 1." in captions
    app.selectbox(key="compare_references").set_value("(no references)").run()
    assert "BLEU" not in _html(app)
    assert "there would be BLEU" in " ".join(caption.value for caption in app.caption)


def test_file_of_texts_through_two_language_models(folder, monkeypatch):
    monkeypatch.setattr(compare_readings, "MAX_READ_CHARACTERS", 20)
    texts = ["a cab", "bé, dé", "b" * 21]
    content = "text\n" + "".join(f'"{text}"\n' for text in texts)
    app = _compare(_with_file("text_generation", "compare_texts", content + "x\n"))
    table = app.dataframe[0].value
    found = table.set_index("text")
    for name in ("poet/1", "writer/1"):
        model = registry.load(registry.find(name, folder))
        for text in texts:  # each alone, without the padding of a batch
            scores = model.ask("score", text=[text[:20]])["log_probabilities"][0]
            assert len(scores) == min(len(text), 20)
            assert found.loc[text, f"{name} nats per character"] == pytest.approx(-scores.mean(), abs=2e-4)
    differences = table["difference"].dropna().abs().tolist()
    assert differences == sorted(differences, reverse=True)
    assert found.loc["b" * 21, "problem"] == "only its first 20 characters"
    assert "nats per character, poet/1" in _html(app)


def test_link_fills_the_page_and_follows_it(folder):
    app = _open(task="sentiment", first="second/1", second="first/1", text="a fine <b>day</b>")
    assert app.text_area(key="compare_text_sentiment").value == "a fine <b>day</b>"
    assert app.selectbox(key="compare_first").value == "second/1"
    assert "disagree" in _html(app)
    app.text_area(key="compare_text_sentiment").set_value("dull").run()
    assert _address(app, "text") == "dull"
    assert app.text_area(key="compare_text_sentiment").value == "dull"
    app.text_area(key="compare_text_sentiment").set_value("dull " * 300).run()
    assert "text" not in app.query_params


def test_link_to_what_is_not_here(folder):
    app = _open(task="none", first="gone/9", text="good")
    assert "not here" in app.warning[0].value
    assert app.selectbox(key="compare_first").value == "first/1"


@pytest.mark.parametrize(
    ("page", "model", "box"),
    [
        ("scripts/sentiment.py", "second/1", "text"),
        ("scripts/text_generation.py", "writer/1", "prompt"),
        ("scripts/translation.py", "linguist/1", "sentence"),
    ],
)
def test_links_to_other_pages(folder, page, model, box):
    app = _open(page, model=model, text="a bad cab")
    assert app.text_area(key=box).value == "a bad cab"
    app.text_area(key=box).set_value("a dull cab").run()
    assert _address(app, "model") == model
    assert _address(app, "text") == "a dull cab"


def test_agreement_against_scikit_learn_and_a_coin():
    metrics = pytest.importorskip("sklearn.metrics")
    stats = pytest.importorskip("scipy.stats")
    first = ["a", "a", "b", "b", "a", "b", "a", "b", "b", None]
    second = ["a", "b", "b", "a", "b", "b", "b", "b", "a", None]
    truth = ["a", "B", "b", "a", "b", "a", "b", "b", "b", "a"]
    found = agreement.measure(first, second, ["a", "b"], truth)
    assert found.counts == metrics.confusion_matrix(first[:9], second[:9]).tolist()
    lower = [label.lower() for label in truth[:9]]
    expected = [metrics.accuracy_score(lower, side[:9]) for side in (first, second)]
    assert found.accuracies == pytest.approx(expected)
    assert (found.only_first, found.only_second) == (1, 4)
    assert found.p_value == pytest.approx(stats.binomtest(1, 5).pvalue)
    assert agreement.measure(["a"], ["a"], ["a"]).accuracies is None
    assert agreement.measure(["a"], ["a"], ["a"], ["a"]).p_value == 1.0


def test_surest_disagreements_come_first_and_names_stay_apart():
    table = pd.DataFrame({"text": ["1", "2", "3", "4"], "m label": ["a", "b", "a", "b"]})
    one = table.assign(label=["a", "a", "a", "a"], probability=[0.9, 0.6, 0.9, 0.9])
    two = table.assign(label=["a", "b", "b", "a"], probability=[0.9, 0.6, 0.8, 0.9])
    joined = agreement.side_by_side(table, ["m", "n"], [one, two], "m label", ["a", "b"])
    assert joined["text"].tolist() == ["3", "2", "1", "4"]
    assert joined["right"].tolist() == ["first", "second", "both", "neither"]
    assert joined["m label'"].tolist() == ["a"] * 4


def test_download_runs_no_formula_in_headers_either():
    table = tables.without_formulas(pd.DataFrame({"=1+1": ["@a"], "text": ["b"]}))
    lines = io.StringIO(table.to_csv(index=False)).read().splitlines()
    assert lines == ["'=1+1,text", "'@a,b"]
