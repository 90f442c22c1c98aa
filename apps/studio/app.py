"""The shell of the studio: `streamlit run` starts here, and every page runs inside it."""

import streamlit as st

from apps.studio import frame

frame.prepare()
st.navigation(frame.pages()).run()
