"""Boxes → tracks. Sees no picture, so that it knows nobody by looks is plain to see.

One frame goes through six steps, each a few lines of array arithmetic:

1. **predict** every track to the time of the frame (constant velocity);
2. **associate**: first the confident boxes, then the doubtful ones with the tracks still unmatched
   (two stages by confidence: Zhang et al., "ByteTrack", 2022);
3. **correct** the matched tracks (Kalman, 1960), forget those unseen for the bridging time;
4. **begin** tracks where a confident box is left over;
5. **remember** what was seen, and fill the frames in which a track now found again was hidden;
6. **tell** the frame of ``look_ahead`` seconds ago, when it is known which tracks were real, which
   gaps were bridged and what class a road user is, smoothed over what was seen before and after.

Begin to read in ``tracker.py``. ``tracks.py`` is steps 1 and 3, ``pages.py`` steps 5 and 6,
``tuning.py`` what is assumed. Nothing older than the smoothing needs is kept.
"""

from passerby.tracker.tracker import MAX_BRIDGE_SECONDS, Tracker
from passerby.tracker.tuning import Tuning

__all__ = ["MAX_BRIDGE_SECONDS", "Tracker", "Tuning"]
