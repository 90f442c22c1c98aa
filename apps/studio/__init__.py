"""The studio: a Streamlit front end over exported models. It needs TensorFlow and Streamlit, and no Keras."""
